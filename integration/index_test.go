package integration

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
)

// mem.idx covers every mapping without a gap, its captured ranges are the
// archive's pages, and mem.d and the core file hold what it says is known.
func TestMemoryIndex(t *testing.T) {
	const untouched = 1 << 20 // a zero range of this length ends a stretch of mem.d
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root := sharedMount(t, fixture)
		dir := filepath.Join(root, "procs", fmt.Sprint(pid))
		idx := parseIdx(t, read(t, dir, "mem.idx"))
		captured := readOracle(t, filepath.Join(contents(t, fixture), "checkpoint"), pid)
		checkCaptured(t, root, idx, captured)

		var all, known, inFiles, mapped []span
		for i, l := range idx {
			if i > 0 && l.start < idx[i-1].end {
				t.Errorf("mem.idx: %v overlaps %v", l.span, idx[i-1].span)
			}
			all = append(all, l.span)
			if l.known() {
				known = append(known, l.span)
			}
			if l.stored() || l.kind == "zero" && l.end-l.start < untouched {
				inFiles = append(inFiles, l.span)
			}
		}
		for _, m := range parseMaps(t, read(t, dir, "maps")) {
			mapped = append(mapped, m.span)
		}
		checkSame(t, "mem.idx against maps", merged(all), merged(mapped))
		checkSame(t, "mem.d against mem.idx", stretchView(t, root, pid).spans(), merged(inFiles))
		checkSame(t, "core against mem.idx", coreView(t, root, pid).spans(), merged(known))
	})
}

func checkCaptured(t *testing.T, root string, idx []idxLine, want oracle) {
	t.Helper()
	pages := 0
	for _, l := range idx {
		if l.kind != "captured" {
			continue
		}
		src := open(t, root, l.source)
		for addr := l.start; addr < l.end; addr += pageSize {
			pages++
			got := make([]byte, pageSize)
			if _, err := src.ReadAt(got, l.offset+int64(addr-l.start)); err != nil {
				t.Errorf("%x in %s at %d: %v", addr, l.source, l.offset, err)
			} else if !bytes.Equal(got, want[addr]) {
				t.Errorf("%x is not in %s at %d", addr, l.source, l.offset)
			}
		}
	}
	if pages != len(want) {
		t.Errorf("mem.idx has %d captured pages, want the archive's %d", pages, len(want))
	}
}

func checkSame(t *testing.T, what string, got, want []span) {
	t.Helper()
	for _, s := range got {
		if !covers(want, s) {
			t.Errorf("%s: %v is too much", what, s)
		}
	}
	for _, s := range want {
		if !covers(got, s) {
			t.Errorf("%s: %v is missing", what, s)
		}
	}
}

// A stretch of mem.d lies within one mapping and has its permissions.
func TestStretchesKeepToTheirMapping(t *testing.T) {
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root := sharedMount(t, fixture)
		vmas := parseMaps(t, read(t, root, "procs", fmt.Sprint(pid), "maps"))
		for _, c := range stretchView(t, root, pid).chunks {
			within := false
			for _, m := range vmas {
				within = within || m.start <= c.start && c.end <= m.end && m.perms == c.perms
			}
			if !within {
				t.Errorf("mem.d: %v %s lies in no mapping of these permissions", c.span, c.perms)
			}
		}
	})
}
