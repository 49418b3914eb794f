package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// maps is the live process's, in every column but two:
//
//   - The inode of ordinary files is 0, for CRIU records their paths only.
//     That of memfds, shared memory and deleted files is in the checkpoint.
//   - The device of memfds, shared anonymous memory and SysV shared memory is
//     that of a tmpfs of the kernel's own (00:01 here), which no mount table
//     has; every other one is compared.
func TestMaps(t *testing.T) {
	for _, fixture := range full {
		root, recorded := sharedMount(t, fixture), truth(t, fixture)
		for _, pid := range pids(t, recorded) {
			t.Run(fmt.Sprintf("%s/%d", fixture, pid), func(t *testing.T) {
				want := parseMaps(t, read(t, recorded, fmt.Sprint(pid), "maps"))
				if len(want) == 0 {
					checkZombie(t, fixture, pid)
					return
				}
				compareMaps(t, parseMaps(t, read(t, root, "procs", fmt.Sprint(pid), "maps")), want)
			})
		}
	}
}

func compareMaps(t *testing.T, got, want []mapsLine) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("maps has %d lines, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		// An inode number longer than the room the kernel leaves for it would
		// move the name; ours is 0, so the name stands at the kernel's column.
		if g.name != "" && g.column != 73 {
			t.Errorf("%v: name in column %d, want 73", g.span, g.column)
		}
		if g.inode == "0" && ordinary(w) {
			w.inode = "0"
		}
		if w.device == "00:01" {
			w.device, g.device = "", ""
		}
		g.column, w.column = 0, 0
		if g != w {
			t.Errorf("maps line %d = %v, want %v", i, g, w)
		}
	}
}

// ordinary reports whether a mapped file still had its name.
func ordinary(m mapsLine) bool {
	return strings.HasPrefix(m.name, "/") && !strings.HasSuffix(m.name, " (deleted)")
}

// The form is the kernel's: the whole line, spaces included, where nothing
// differs that the checkpoint does not know.
func TestMapsForm(t *testing.T) {
	for _, fixture := range full {
		root, recorded := sharedMount(t, fixture), truth(t, fixture)
		for _, pid := range pids(t, recorded) {
			want := lines(read(t, filepath.Join(recorded, fmt.Sprint(pid), "maps")))
			if len(want) == 0 {
				checkZombie(t, fixture, pid)
				continue
			}
			got := read(t, root, "procs", fmt.Sprint(pid), "maps")
			for _, line := range want {
				if f := strings.Fields(line); f[4] != "0" || f[3] == "00:01" {
					continue
				}
				if !strings.Contains("\n"+got, "\n"+line+"\n") {
					t.Errorf("%s: maps of %d lacks the line %q", fixture, pid, line)
				}
			}
		}
	}
}
