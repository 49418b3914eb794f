package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SEEK_DATA and SEEK_HOLE of mem agree with mem.idx: data where bytes are
// stored, a hole where nothing is known or 1 MiB and more was never touched.
// A shorter untouched range may be either.
func TestMemoryExtents(t *testing.T) {
	const coarse = 1 << 20
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root := sharedMount(t, fixture)
		dir := filepath.Join(root, "procs", fmt.Sprint(pid))
		data := extents(t, open(t, dir, "mem"))
		for _, l := range parseIdx(t, read(t, dir, "mem.idx")) {
			if l.stored() && !covers(data, l.span) {
				t.Errorf("mem: %v is %s, but not data", l.span, l.kind)
			}
			hole := l.kind == "absent" || l.kind == "zero" && l.end-l.start >= coarse
			for _, d := range data {
				if hole && d.start < l.end && l.start < d.end {
					t.Errorf("mem: %v is %s, but %v is data", l.span, l.kind, d)
				}
			}
		}
	})
}

// What SEEK_HOLE calls a hole in mem.d and in cores holds zeros only.
func TestHolesAreZeros(t *testing.T) {
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root := sharedMount(t, fixture)
		files, err := filepath.Glob(filepath.Join(root, "procs", fmt.Sprint(pid), "mem.d", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(files, filepath.Join(root, "cores", fmt.Sprintf("core.%d", pid))) {
			checkHoles(t, name)
		}
	})
}

func checkHoles(t *testing.T, name string) {
	t.Helper()
	f := open(t, name)
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := extents(t, f)
	for pos, i := uint64(0), 0; pos < uint64(fi.Size()); i++ {
		end, next := uint64(fi.Size()), uint64(fi.Size())
		if i < len(data) {
			end, next = data[i].start, data[i].end
		}
		// The two ends of a long hole tell as much as all of it.
		for _, part := range []span{{pos, min(end, pos+1<<20)}, {max(pos, end-min(end, 1<<20)), end}} {
			b := make([]byte, part.end-part.start)
			if _, err := f.ReadAt(b, int64(part.start)); err != nil && !errors.Is(err, io.EOF) {
				t.Errorf("%s at %#x: %v", name, part.start, err)
			}
			if len(bytes.Trim(b, "\x00")) != 0 {
				t.Errorf("%s: the hole %v holds data", name, span{pos, end})
			}
		}
		pos = next
	}
}

// extents walks a file by SEEK_DATA and SEEK_HOLE and returns its data.
func extents(t testing.TB, f *os.File) []span {
	t.Helper()
	const seekData, seekHole = 3, 4
	var out []span
	for pos := int64(0); ; {
		start, err := f.Seek(pos, seekData)
		if errors.Is(err, syscall.ENXIO) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: SEEK_DATA from %#x: %v", f.Name(), pos, err)
		}
		end, err := f.Seek(start, seekHole)
		if err != nil || start < pos || end <= start {
			t.Fatalf("%s: SEEK_HOLE from %#x = %#x, %v", f.Name(), start, end, err)
		}
		out = append(out, span{uint64(start), uint64(end)})
		pos = end
	}
}
