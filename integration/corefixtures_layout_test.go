package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vmas is an archive of a process with 70,011 mappings.
const vmas = "vmas/vmas.tar.zst"

// eachCore runs a test on both core files of every fixture, and on all that
// the mounts of zoo, counter and more archives show.
func eachCore(t *testing.T, test func(t *testing.T, core string), more ...string) {
	eachFixtureCore(t, func(t *testing.T, _ coreFixture, core string) { test(t, core) })
	for _, archive := range append([]string{"zoo/checkpoint.tar.zst", "counter/checkpoint.tar.zst"}, more...) {
		cores, err := filepath.Glob(filepath.Join(mountedOnce(t, testdata(archive)), "cores", "core.*"))
		if err != nil || len(cores) == 0 {
			t.Fatalf("%s: no core files (%v)", archive, err)
		}
		name, _, _ := strings.Cut(archive, "/")
		for _, core := range cores {
			t.Run(name+"/"+filepath.Base(core), func(t *testing.T) { test(t, core) })
		}
	}
}

// segmentLine is a PT_LOAD as readelf prints it: offset, address, size in the
// file and in memory.
var segmentLine = regexp.MustCompile(`^ +LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x([0-9a-f]+) `)

// headerCount is what readelf says of e_phnum: in parentheses the real number,
// when there are too many for it.
var headerCount = regexp.MustCompile(`(?m)^ +Number of program headers: +(\d+)(?: \((\d+)\))?$`)

// Segments ascend in memory and without a gap in the file, whole and on page
// borders, to the end of the file or to the section header that counts them.
func TestSegmentsAsReadelfSees(t *testing.T) {
	require(t, "readelf")
	const sectionHeader = 64
	eachCore(t, func(t *testing.T, core string) {
		fi, err := os.Stat(core)
		if err != nil {
			t.Fatal(err)
		}
		var count int
		var address, offset uint64
		for _, line := range lines(output(t, "readelf", "-lW", core)) {
			m := segmentLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			var n [4]uint64
			for i, text := range m[1:] {
				if n[i], err = strconv.ParseUint(text, 16, 64); err != nil {
					t.Fatal(err)
				}
			}
			follows := count == 0 || n[0] == offset
			if n[0]%pageSize != 0 || n[1]%pageSize != 0 || n[2] != n[3] || n[1] < address || !follows {
				t.Errorf("%q after address %#x and offset %#x", line, address, offset)
			}
			count, address, offset = count+1, n[1]+n[3], n[0]+n[2]
		}
		end := uint64(fi.Size())
		if headers := headerCount.FindStringSubmatch(output(t, "readelf", "-h", core)); headers[2] != "" {
			if end -= sectionHeader; headers[1] != "65535" || headers[2] != fmt.Sprint(count+1) {
				t.Errorf("readelf -h: %q, want 65535 (%d)", headers[0], count+1)
			}
		} else if headers[1] != fmt.Sprint(count+1) {
			t.Errorf("readelf -h: %q, want %d", headers[0], count+1)
		}
		if offset != end {
			t.Errorf("the last of %d segments ends at %d, want %d", count, offset, end)
		}
	}, vmas)
}

// rightly says what looks wrong, and is so in the kernel's core files: elfutils
// 0.188 does not know NT_ARM_PAC_MASK, and the section header that only counts
// segments has no name.
var rightly = strings.NewReplacer("<unknown>: 1030", "", "[ 0] <corrupt>", "")

// Both readelfs read all notes, and eu-readelf everything, and find nothing
// wrong.
func TestNotesAsReadelfSees(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		for _, command := range [][]string{{"readelf", "-n"}, {"eu-readelf", "-n"}, {"eu-readelf", "-a"}} {
			require(t, command[0])
			r := run(t, command[0], command[1], core)
			if r.code != 0 || r.stderr != "" {
				t.Errorf("%v = exit status %d, stderr %q, want 0 and silence", command, r.code, r.stderr)
			}
			if bad := wrong.FindString(rightly.Replace(r.stdout)); bad != "" {
				t.Errorf("%v prints %q", command, bad)
			}
		}
	}, vmas)
}

// eu-unstrip finds the modules of every core file: at least the vDSO, which a
// checkpoint always holds. Its time goes with the square of the segments, so
// there are no vmas here.
func TestModulesAsUnstripSees(t *testing.T) {
	require(t, "eu-readelf") // the same package
	eachCore(t, func(t *testing.T, core string) {
		if got := output(t, "eu-unstrip", "-n", "--core", core); !strings.Contains(got, " linux-vdso.so.1\n") {
			t.Errorf("eu-unstrip prints %q, want the vDSO", got)
		}
	})
}

// Each thread has its notes in the kernel's order, the leader those of the
// process too; given are type and size, which for NT_FILE depends on the names.
func TestNotesOfThreads(t *testing.T) {
	const process = "3:136 53494749:128 6:368 FILE"
	for name, want := range map[string]struct {
		threads              int
		status, floats, arch string
	}{
		"a":               {1, "1:336", "2:512", "202:832"},
		"b":               {5, "1:336", "2:512", "202:832"},
		"c2-criu42":       {1, "1:336", "2:512", "202:832"},
		"gu-criu42":       {1, "1:336", "2:512", "202:832"},
		"x86-incremental": {1, "1:336", "2:512", "202:2696"},
		"aarch64":         {4, "1:392", "2:528", "401:16 406:16"},
	} {
		var got []string
		for _, n := range notes(t, coreFixtureNamed(t, name).shown(t)) {
			if n.kind == ntFile {
				got = append(got, "FILE")
				continue
			}
			got = append(got, fmt.Sprintf("%x:%d", n.kind, len(n.desc)))
		}
		thread := []string{want.status, want.floats, want.arch}
		all := strings.Join(slices.Insert(slices.Clone(thread), 1, process), " ") +
			strings.Repeat(" "+strings.Join(thread, " "), want.threads-1)
		if got := strings.Join(got, " "); got != all {
			t.Errorf("%s: notes %s, want %s", name, got, all)
		}
	}
}

// Of 72 MB most was never touched: 4.4 MB are data, and some holes are too
// short to be kept as such.
func TestSparseCore(t *testing.T) {
	f := coreFixtureNamed(t, "c2-criu42")
	for _, core := range []string{f.shown(t), f.written(t)} {
		fi, err := os.Stat(core)
		if err != nil {
			t.Fatal(err)
		}
		if used := usage(t, core); fi.Size() != 72073216 || used < 4400000 || used > 5<<20 {
			t.Errorf("%d bytes, of which %d take room; want 72073216, and 4.4 to 5.2 million", fi.Size(), used)
		}
	}
}

// The headers of 70,010 segments need the count of elf(5)'s PN_XNUM.
func TestManySegments(t *testing.T) {
	require(t, "readelf")
	core := filepath.Join(mountedOnce(t, testdata(vmas)), "cores/core.2041")
	m := headerCount.FindStringSubmatch(output(t, "readelf", "-h", core))
	if n, _ := strconv.Atoi(m[2]); m[1] != "65535" || n < 70000 {
		t.Errorf("readelf -h: %q, want 65535 (70,000 and more)", m[0])
	}
}
