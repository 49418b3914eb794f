package integration

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smaps has the mappings of the live process, their sizes, page sizes and
// flags, and as anonymous what the kernel counted so. What differs is listed:
//
//   - VmFlags lacks sd (soft-dirty), and mm and pf, which the kernel gives
//     vvar by its version; and ac for memory that was writable once.
//   - Anonymous of executable file mappings is a page more in the record:
//     there the recorder's debugger had set a breakpoint.
//
// Whatever else differs is named in unavailable.
func TestSmaps(t *testing.T) {
	for _, row := range []struct{ archive, truth, pid string }{
		{"thp/thp.tar.zst", "thp/truth.tar.zst", "1959"},
		{"compat/compat.tar.zst", "compat/truth.tar.zst", "1886"},
		{"aarch64/aarch64.tar", "aarch64/truth.tar.zst", "164"},
	} {
		t.Run(row.archive, func(t *testing.T) {
			process := filepath.Join(mount(t, testdata(row.archive)), "procs", row.pid)
			got := parseSmaps(t, read(t, process, "smaps"))
			want := parseSmaps(t, recordedSmaps(t, filepath.Join(unpackedOnce(t, row.truth), row.pid)))
			if len(got) != len(want) {
				t.Fatalf("smaps has %d mappings, want %d", len(got), len(want))
			}
			unavailable := smapsUnavailable(read(t, process, "unavailable"))
			for i, g := range got {
				compareSmaps(t, g, want[i], unavailable)
			}
		})
	}
}

// smapsEntry is what smaps says of a mapping.
type smapsEntry struct {
	span, perms string
	fields      map[string]string
}

// smapsUnavailable are the words of what unavailable says of smaps.
func smapsUnavailable(text string) (words []string) {
	for _, line := range lines(text) {
		if strings.HasPrefix(line, "smaps ") {
			words = append(words, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" :;", r) })...)
		}
	}
	return words
}

func compareSmaps(t *testing.T, got, want smapsEntry, unavailable []string) {
	t.Helper()
	if got.span != want.span || got.perms != want.perms {
		t.Errorf("smaps entry %s %s, want %s %s", got.span, got.perms, want.span, want.perms)
		return
	}
	for name, w := range want.fields {
		g, there := got.fields[name]
		switch name {
		case "Size", "KernelPageSize", "MMUPageSize":
		case "Anonymous":
			if strings.HasPrefix(got.perms, "r-x") {
				continue
			}
		case "VmFlags":
			for _, f := range strings.Fields(w) {
				if !slices.Contains(strings.Fields(g), f) && !slices.Contains(unavailable, f) {
					t.Errorf("%s %s: VmFlags lacks %s, which unavailable does not name", got.span, got.perms, f)
				}
			}
			g, w = flagsBut(g), flagsBut(w, "sd", "mm", "pf")
			if !strings.Contains(got.perms, "w") {
				w = flagsBut(w, "ac")
			}
		default: // what the checkpoint does not record is there as 0, if not named as missing
			if g != w && !slices.Contains(unavailable, name) {
				t.Errorf("%s %s: %s = %q and not %q, which unavailable does not say", got.span, got.perms, name, g, w)
			}
			there, w, g = there || name == "ProtectionKey", "", ""
		}
		if !there || g != w {
			t.Errorf("%s %s: %s = %q, want %q", got.span, got.perms, name, g, w)
		}
	}
}

// flagsBut lists flags without some of them.
func flagsBut(flags string, without ...string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(flags), func(f string) bool {
		return slices.Contains(without, f)
	}), " ")
}

func parseSmaps(t *testing.T, text string) []smapsEntry {
	t.Helper()
	var entries []smapsEntry
	for _, line := range lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if words := strings.Fields(line); !ok || strings.Contains(name, "-") && len(words) > 4 {
			entries = append(entries, smapsEntry{words[0], words[1], make(map[string]string)})
			continue
		}
		if len(entries) == 0 {
			t.Fatalf("smaps begins with %q", line)
		}
		entries[len(entries)-1].fields[name] = strings.TrimSpace(value)
	}
	return entries
}

// recordedSmaps reads the record, which may be compressed.
func recordedSmaps(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "smaps.gz"))
	if err != nil {
		return read(t, dir, "smaps")
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// smaps_rollup is the sum of smaps, under the line of the whole address space.
func TestSmapsRollup(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, _ string) {
		if !exists(filepath.Join(got, "regs")) {
			return // of a zombie there is none: ESRCH, the kernel says
		}
		rollup := lines(read(t, got, "smaps_rollup"))
		maps := lines(read(t, got, "maps"))
		if last := maps[len(maps)-1]; strings.HasSuffix(last, "[vsyscall]") {
			maps = maps[:len(maps)-1]
		}
		start, _, _ := strings.Cut(maps[0], "-")
		_, end, _ := strings.Cut(strings.Fields(maps[len(maps)-1])[0], "-")
		if want := fmt.Sprintf("%-73s[rollup]", start+"-"+end+" ---p 00000000 00:00 0"); rollup[0] != want {
			t.Errorf("%s/smaps_rollup begins with %q, want %q", got, rollup[0], want)
		}
		sums := make(map[string]int)
		for _, line := range lines(read(t, got, "smaps")) {
			var name string
			var kb int
			if n, _ := fmt.Sscanf(line, "%s %d kB", &name, &kb); n == 2 {
				sums[name] += kb
			}
		}
		for _, line := range rollup[1:] {
			var name string
			var kb int
			if _, err := fmt.Sscanf(line, "%s %d kB", &name, &kb); err != nil || kb != sums[name] {
				t.Errorf("%s/smaps_rollup: %q, want %d", got, line, sums[name])
			}
		}
	})
}
