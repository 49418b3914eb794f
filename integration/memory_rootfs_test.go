package integration

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

const libc = "/usr/lib/x86_64-linux-gnu/libc.so.6"

// imageFiles are the files of their image that the processes map, and of which
// a checkpoint has no page but those that were written to.
var imageFiles = map[string][]string{
	"zoo": {"/zoo", libc, "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"},
	"counter": {
		"/usr/bin/bash",
		"/usr/bin/python3.11",
		"/usr/bin/tee",
		"/usr/lib/locale/C.utf8/LC_CTYPE",
		"/usr/lib/python3.11/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so",
		"/usr/lib/python3.11/lib-dynload/_lzma.cpython-311-x86_64-linux-gnu.so",
		"/usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
		"/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
		"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
		"/usr/lib/x86_64-linux-gnu/libbz2.so.1.0.4",
		libc,
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
		"/usr/lib/x86_64-linux-gnu/libexpat.so.1.8.10",
		"/usr/lib/x86_64-linux-gnu/liblzma.so.5.4.1",
		"/usr/lib/x86_64-linux-gnu/libm.so.6",
		"/usr/lib/x86_64-linux-gnu/libssl.so.3",
		"/usr/lib/x86_64-linux-gnu/libtinfo.so.6.4",
		"/usr/lib/x86_64-linux-gnu/libz.so.1.2.13",
	},
}

// Without --rootfs the pages of the image's files are absent, to the page, and
// all others are the live process's: shared memory, deleted files, what the
// container changed, /dev/shm.
func TestMemoryWithoutRootfs(t *testing.T) {
	for _, fixture := range full {
		root, mapped := sharedMount(t, fixture), map[string]bool{}
		eachRecord(t, fixture, func(p processPages, record string) {
			for _, file := range p.checkAllBut(record, imageFiles[fixture]) {
				mapped[file] = true
			}
		}, root)
		for _, file := range imageFiles[fixture] {
			if !mapped[file] {
				t.Errorf("%s: no page of %s is absent, want some", fixture, file)
			}
		}
	}
}

// eachRecord calls f for every process of a full fixture that has memory.
func eachRecord(t *testing.T, fixture string, f func(p processPages, record string), root string) {
	t.Helper()
	for _, pid := range pids(t, filepath.Join(root, "procs")) {
		record := filepath.Join(truth(t, fixture), fmt.Sprint(pid))
		if _, err := os.Stat(filepath.Join(record, "mem-pages.sha1")); err != nil {
			checkZombie(t, fixture, pid)
			continue
		}
		t.Run(fmt.Sprintf("%s/%d", fixture, pid), func(t *testing.T) {
			f(processPages{t, fixture, root, pid}, record)
		})
	}
}

// checkAllBut checks that the pages of the given files are absent, but for
// captured ones, and that all others are the live process's. It returns which
// of the files have absent pages.
func (p processPages) checkAllBut(record string, files []string) (mapped []string) {
	p.t.Helper()
	captured := readOracle(p.t, filepath.Join(contents(p.t, p.fixture), "checkpoint"), p.pid)
	var want, got []span
	for _, m := range parseMaps(p.t, read(p.t, record, "maps")) {
		ofFile := slices.Contains(files, m.name)
		// Neither the kernel's pages nor reserved addresses are memory of the process.
		if !ofFile && m.perms[0] == 'r' && !strings.HasPrefix(m.name, "[vvar") {
			continue
		}
		for addr := m.start; addr < m.end; addr += pageSize {
			if captured[addr] == nil {
				want = append(want, span{addr, addr + pageSize})
				if ofFile && !slices.Contains(mapped, m.name) {
					mapped = append(mapped, m.name)
				}
			}
		}
	}
	for _, l := range p.idx() {
		if l.kind == "absent" {
			got = append(got, l.span)
		}
	}
	want = merged(want)
	checkSame(p.t, "absent in mem.idx", merged(got), want)

	vs := p.views()
	sums := readSums(p.t, record)
	p.compareAll(slices.DeleteFunc(slices.Clone(sums), func(s pageSum) bool {
		return covers(want, span{s.addr, s.addr + pageSize})
	}))
	for _, s := range want {
		for addr := s.start; addr < s.end && addr < 1<<63; addr += pageSize {
			p.checkMissing(vs, addr)
		}
	}
	return mapped
}

// A file of --rootfs that is not the one that was mapped is not shown, not one
// byte of it; the others are.
func TestRootfsWithOtherFiles(t *testing.T) {
	const loader = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
	for _, row := range []struct {
		name    string
		change  func(t *testing.T, dir, file string)
		missing []string
		warned  bool
	}{
		{"the same", func(*testing.T, string, string) {}, nil, false},
		{"another build-id", func(t *testing.T, _, file string) { rebuild(t, file) }, []string{libc}, true},
		{"a byte more", func(t *testing.T, _, file string) { resize(t, file, +1) }, []string{libc}, true},
		{"a byte less", func(t *testing.T, _, file string) { resize(t, file, -1) }, []string{libc}, true},
		{"zeros of that size", func(t *testing.T, _, file string) { blank(t, file) }, []string{libc}, true},
		{"nothing", func(t *testing.T, _, file string) { check(t, os.Remove(file)) }, []string{libc}, false},
		{"a fifo", func(t *testing.T, _, file string) {
			check(t, os.Remove(file))
			check(t, syscall.Mkfifo(file, 0o644))
		}, []string{libc}, false},
		{"a folder", func(t *testing.T, _, file string) {
			check(t, os.Remove(file))
			check(t, os.Mkdir(file, 0o755))
		}, []string{libc}, false},
		{"a link out of it", func(t *testing.T, _, file string) { moveOut(t, file) }, []string{libc}, false},
		{"a folder that is a link out of it", func(t *testing.T, dir, _ string) {
			moveOut(t, filepath.Join(dir, "usr"))
		}, []string{libc, loader}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, testdata("zoo", "sysroot.tar.zst"), dir)
			row.change(t, dir, filepath.Join(dir, libc))
			root := mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", dir)
			warnings := lines(read(t, root, "warnings"))
			if warned := len(warnings) == 1 && strings.Contains(warnings[0], libc); warned != row.warned || len(warnings) > 1 {
				t.Errorf("warnings = %q, want one that names libc: %v", warnings, row.warned)
			}
			eachRecord(t, "zoo", func(p processPages, record string) {
				if p.pid == 1 { // those that it forked map the same
					p.checkAllBut(record, row.missing)
				}
				for _, l := range p.idx() {
					if strings.HasPrefix(l.source, "rootfs/") && slices.Contains(row.missing, strings.TrimPrefix(l.source, "rootfs")) {
						t.Errorf("mem.idx: %v is of %s, want nothing of it", l.span, l.source)
					}
				}
			}, root)
		})
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rebuild changes a bit of an ELF file's build-id, and nothing else.
func rebuild(t *testing.T, file string) {
	t.Helper()
	f, err := elf.Open(file)
	check(t, err)
	note := f.Section(".note.gnu.build-id")
	f.Close()
	content := []byte(read(t, file))
	content[note.Offset+note.Size-1] ^= 1
	check(t, os.WriteFile(file, content, 0o755))
}

// resize makes a file longer by a byte, or shorter.
func resize(t *testing.T, file string, by int64) {
	t.Helper()
	fi, err := os.Stat(file)
	check(t, err)
	check(t, os.Truncate(file, fi.Size()+by))
}

// blank makes a file all zeros.
func blank(t *testing.T, file string) {
	t.Helper()
	fi, err := os.Stat(file)
	check(t, err)
	check(t, os.Truncate(file, 0))
	check(t, os.Truncate(file, fi.Size()))
}

// moveOut moves a file or folder elsewhere and leaves a link to it.
func moveOut(t *testing.T, file string) {
	t.Helper()
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.Rename(file, outside))
	check(t, os.Symlink(outside, file))
}

// A folder and a tar of the same files give the same index.
func TestRootfsForms(t *testing.T) {
	archive := testdata("zoo", "checkpoint.tar.zst")
	tree := t.TempDir()
	unpack(t, testdata("zoo", "sysroot.tar.zst"), tree)
	zst := testdata("zoo", "sysroot.tar.zst")
	want := mount(t, archive, "--rootfs", zst)
	for name, form := range map[string]string{"a folder": tree, "a plain tar": plain(t, zst)} {
		got := mount(t, archive, "--rootfs", form)
		for _, pid := range pids(t, filepath.Join(want, "procs")) {
			idx := filepath.Join("procs", fmt.Sprint(pid), "mem.idx")
			if _, err := os.Stat(filepath.Join(want, idx)); err != nil {
				checkZombie(t, "zoo", pid)
			} else if g, w := read(t, got, idx), read(t, want, idx); g != w {
				t.Errorf("%s with %s =\n%s, want that with a tar.zst\n%s", idx, name, g, w)
			}
		}
	}
}

// A rootfs that is not there, or is no archive, is an error in one line.
func TestUnusableRootfs(t *testing.T) {
	require(t, "fuse")
	text := filepath.Join(t.TempDir(), "text")
	check(t, os.WriteFile(text, []byte("no archive\n"), 0o644))
	for _, rootfs := range []string{filepath.Join(t.TempDir(), "nowhere"), text} {
		m, err := newMount(t.TempDir())
		check(t, err)
		r := runCmd(t, commandLimit, m.command(program(t), "mount", "--rootfs", rootfs, testdata("zoo", "checkpoint.tar.zst"), m.point))
		if r.code != 1 || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "--rootfs "+rootfs+": ") {
			t.Errorf("mount --rootfs %s = %d, %q, want 1 and a line that names it", rootfs, r.code, r.stderr)
		}
		if err := m.leftovers(); err != nil {
			t.Error(err)
		}
	}
}

// The libc of the machine that the checkpoint is looked at on does not show,
// be it the very same one: no page but the captured ones.
func TestLibcOfThisMachine(t *testing.T) {
	if _, err := os.Stat(libc); err != nil {
		t.Skip("needs a libc at the same place:", err)
	}
	eachRecord(t, "zoo", func(p processPages, record string) {
		captured := readOracle(p.t, filepath.Join(contents(p.t, "zoo"), "checkpoint"), p.pid)
		vs, pages := p.views(), 0
		for _, m := range parseMaps(p.t, read(p.t, record, "maps")) {
			for addr := m.start; m.name == libc && addr < m.end; addr += pageSize {
				if captured[addr] == nil {
					pages++
					p.checkMissing(vs, addr)
				}
			}
		}
		if mapsLibc := p.pid != 10 && p.pid != 12; mapsLibc != (pages > 400) {
			p.t.Errorf("%d pages of libc are not captured, want more than 400: %v", pages, mapsLibc)
		}
	}, sharedMount(t, "zoo"))
}

// A mapped file whose path leads to a file of this machine does not show it;
// with a rootfs that has one there, that one shows.
func TestFilesOfThisMachine(t *testing.T) {
	const start, end = 0x10000, 0x11000
	dir := t.TempDir()
	own := filepath.Join(dir, "own")
	check(t, os.WriteFile(own, []byte("OF-THIS-MACHINE"), 0o644))
	archive := filepath.Join(dir, "checkpoint.tar")
	check(t, os.WriteFile(archive, decodertest.Checkpoint{
		Files: map[uint32]string{0: "/", 1: own},
		Processes: []decodertest.Process{{PID: 1, Comm: "trap", VMAs: []decodertest.VMA{{
			Start: start, End: end, Prot: decoder.ProtRead, Flags: decoder.MapPrivate,
			Status: decoder.StatusRegular | decoder.StatusFilePrivate, ShmID: 1,
		}}}},
	}.Tar(), 0o644))
	image := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(image, dir), 0o755))
	check(t, os.WriteFile(filepath.Join(image, own), []byte("OF-THE-IMAGE"), 0o644))

	for _, row := range []struct {
		name    string
		options []string
		want    string // nothing: it is absent
	}{
		{"without a rootfs", nil, ""},
		{"an empty rootfs", []string{"--rootfs", t.TempDir()}, ""},
		{"a rootfs that has one", []string{"--rootfs", image}, "OF-THE-IMAGE"},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := mount(t, archive, row.options...)
			kind := "absent"
			if row.want != "" {
				kind = "file"
			}
			idx := parseIdx(t, read(t, root, "procs", "1", "mem.idx"))
			if len(idx) == 0 || idx[0].start != start || idx[0].kind != kind {
				t.Errorf("mem.idx = %+v, want first %s at %x", idx, kind, start)
			}
			b := make([]byte, pageSize)
			n, err := open(t, root, "procs", "1", "mem").ReadAt(b, start)
			if got := strings.TrimRight(string(b[:n]), "\x00"); got != row.want || (err == nil) != (row.want != "") {
				t.Errorf("mem = %q, %v, want %q", got, err, row.want)
			}
		})
	}
}
