package integration

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
)

// wrong is how the two readelfs say that something is wrong with a file.
var wrong = regexp.MustCompile(`(?im)^.*(warning|error|corrupt|invalid|<unknown|unrecognized|out of range|overlap).*$`)

// Both readelfs read every core file to its end and find nothing wrong.
func TestReadelf(t *testing.T) {
	for _, tool := range []string{"readelf", "eu-readelf"} {
		require(t, tool)
		for _, fixture := range full {
			cores, err := filepath.Glob(filepath.Join(sharedMount(t, fixture), "cores", "core.*"))
			if err != nil || len(cores) == 0 {
				t.Fatalf("%s: no core files (%v)", fixture, err)
			}
			for _, core := range cores {
				t.Run(fmt.Sprintf("%s/%s/%s", tool, fixture, filepath.Base(core)), func(t *testing.T) {
					r := run(t, tool, "-a", core)
					if r.code != 0 || r.stderr != "" {
						t.Errorf("%s -a = exit status %d, stderr %q, want 0 and silence", tool, r.code, r.stderr)
					}
					if bad := wrong.FindString(r.stdout); bad != "" {
						t.Errorf("%s -a prints %q", tool, bad)
					}
				})
			}
		}
	}
}

// A core file holds no address that is not known, in ascending order, and ends
// with its last segment.
func TestCoreSegments(t *testing.T) {
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		raw := open(t, sharedMount(t, fixture), "cores", fmt.Sprintf("core.%d", pid))
		fi, err := raw.Stat()
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(raw)
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != elf.ET_CORE || f.Machine != elf.EM_X86_64 || len(f.Progs) == 0 || f.Progs[0].Type != elf.PT_NOTE {
			t.Fatalf("%v, want ET_CORE for x86-64 with PT_NOTE first", f.FileHeader)
		}
		var addr, offset uint64
		for i, p := range f.Progs[1:] {
			if p.Type != elf.PT_LOAD || p.Filesz != p.Memsz || p.Off%pageSize != 0 || p.Vaddr < addr || i > 0 && p.Off != offset {
				t.Errorf("segment %d: %+v after address %#x and offset %#x", i, p.ProgHeader, addr, offset)
			}
			addr, offset = p.Vaddr+p.Memsz, p.Off+p.Filesz
		}
		if offset != uint64(fi.Size()) {
			t.Errorf("the last segment ends at %d, the file at %d", offset, fi.Size())
		}
	})
}

// There is a core file for each process that has memory, and no other.
func TestCoreList(t *testing.T) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		got, err := filepath.Glob(filepath.Join(root, "cores", "*"))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, pid := range pids(t, filepath.Join(root, "procs")) {
			if fixture != "zoo" || pid != 8 {
				want++
			}
		}
		if len(got) != want {
			t.Errorf("%s: cores/ = %v, want %d files", fixture, got, want)
		}
	}
}
