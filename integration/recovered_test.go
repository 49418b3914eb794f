package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// padded is a string with zeros up to size around it: s at off.
func padded(size, off int, s string) string {
	b := make([]byte, size)
	copy(b[off:], s)
	return string(b)
}

// recoveredBytes is what the programs of the fixtures put into each object, as
// their sources have it.
var recoveredBytes = map[string]map[string]string{
	"zoo": {
		"file.pid1.fd6.deleted-evidence":  "GHOST-FILE-CONTENT\n",
		"file.pid12.exe.dropper":          "", // TestRecoveredPrograms
		"memfd.pid1.fd4.payload":          padded(16384, 0, "MEMFD-SECRET"),
		"memfd.pid10.exe.evil":            "",
		"pipe.82257.pid1.fd17-fd18":       "PIPE-BUFFERED-BYTES",
		"shm.91.pid1.map7f9418b74000":     padded(12288, 0, "SHARED-ANON-SECRET") + padded(20480, 0, "SHARED-ANON-PAGE3"),
		"sysv-msg.0.key0x3456.0001.type7": padded(32, 0, "SYSV-MSG-SECRET"),
		"sysv-shm.0.key0x1234":            padded(16384, 0, "SYSV-SHM-SECRET"),
		"tcp.82253.pid1.fd13.recv":        "TCP-UNREAD-BYTES",
		"unix.82255.pid1.fd15.recv":       "UNIX-QUEUED-BYTES",
	},
	"ghosts": {
		"deleted-fifo.pid1.fd10.gone":                 "",
		"fifo.868432.pid1.fd9.fifo":                   "FIFO-BYTES",
		"fifo.868433.pid1.fd10.gone":                  "GONE-FIFO-BYTES",
		"file.pid1.fd3.sparse":                        padded(300000, 8192, "SPARSE-FIRST") + padded(1<<20-300000, 0, "SPARSE-SECOND"),
		"file.pid1.fd4.owned___":                      "OWNED",
		"file.pid1.fd5.linked":                        "LINKED-FILE",
		"file.socket261899.flying":                    "IN-FLIGHT",
		"memfd.pid1.fd23.sealed_.._name":              padded(40960, 4096, "MEMFD-PAGE-1") + padded(100, 0, "MEMFD-TAIL"),
		"memfd.pid1.fd24.zeros":                       padded(10000, 0, ""),
		"pipe.261892.pid1.fd11-fd12":                  strings.Repeat("p", 4096),
		"shm.5.pid1.map7f6c7f943000":                  padded(32768, 12288, "SHARED-ANON"),
		"sysv-msg.0.key0x4713.0001.type7":             "MESSAGE-ONE",
		"sysv-msg.0.key0x4713.0002.type1099511627776": "MESSAGE-2",
		"sysv-shm.0.key0x4711":                        padded(12289, 4096, "SYSV-SHM"),
		"sysv-shm.1.key0x4712":                        padded(4096, 0, ""),
		"tcp.261901.pid1.fd26.recv":                   "TCP-UNREAD",
		"tcp.261901.pid1.fd26.send":                   muchBytes[2304:],
		"tcp.261902.pid1.fd27.recv":                   muchBytes[:2304],
		"tty.0.pid1.fd22.pts_0":                       "TO-SLAVE",
		"tty.1.pid1.fd21.pts_ptmx":                    "TO-MASTER",
		"unix.261895.pid1.fd16.recv.0001":             "DATAGRAM-1",
		"unix.261895.pid1.fd16.recv.0002":             "DATAGRAM-22",
		"unix.261895.pid1.fd16.recv.0003":             "DATAGRAM-1",
		"unix.261896.pid1.fd17.recv.0001":             "SEQPACKET-1",
		"unix.261896.pid1.fd17.recv.0002":             "SEQPACKET-2",
		"unix.261899.pid1.fd20.recv":                  "STREAM-WITH-DESCRIPTOR-END",
	},
}

// muchBytes is what ghosts.c sends over TCP: each digit sixteen times.
var muchBytes = func() string {
	b := make([]byte, 60000)
	for i := range b {
		b[i] = "0123456789abcdef"[i/16%16]
	}
	return string(b)
}()

// recovered/ has every object, with the bytes that the program put there, and
// no other file.
func TestRecovered(t *testing.T) {
	for fixture, want := range recoveredBytes {
		root := sharedMount(t, fixture)
		var names []string
		entries, err := os.ReadDir(filepath.Join(root, "recovered"))
		check(t, err)
		for _, e := range entries {
			if e.Type().IsRegular() && e.Name() != "index" && e.Name() != "SHA256SUMS" {
				names = append(names, e.Name())
			}
		}
		for _, name := range names {
			bytes, known := want[name]
			if !known {
				t.Errorf("%s: recovered/%s: not in the list", fixture, name)
			} else if got := read(t, root, "recovered", name); bytes != "" && got != bytes {
				t.Errorf("%s: recovered/%s has %d bytes %.60q, want %d bytes %.60q", fixture, name, len(got), got, len(bytes), bytes)
			}
		}
		for name := range want {
			if !slices.Contains(names, name) {
				t.Errorf("%s: recovered/ lacks %s", fixture, name)
			}
		}
		if w := read(t, root, "warnings"); w != "" {
			t.Errorf("%s: warnings: %s", fixture, w)
		}
	}
}

// Links of descriptors and executables lead to the bytes, as they do on a live
// system; what has none dangles, with the kernel's text.
func TestRecoveredLinks(t *testing.T) {
	for _, row := range []struct{ fixture, link, want string }{
		{"zoo", "procs/1/fd/6", "GHOST-FILE-CONTENT\n"},
		{"zoo", "procs/12/fd/6", "GHOST-FILE-CONTENT\n"},
		{"zoo", "procs/1/fd/17", "PIPE-BUFFERED-BYTES"},
		{"zoo", "procs/1/fd/13", "TCP-UNREAD-BYTES"},
		{"zoo", "procs/9/fd/15", "UNIX-QUEUED-BYTES"},
		{"zoo", "procs/1/fd/4", padded(16384, 0, "MEMFD-SECRET")},
		{"ghosts", "procs/6/fd/5", "LINKED-FILE"},
		{"ghosts", "procs/1/fd/9", "FIFO-BYTES"},
		{"ghosts", "procs/1/fd/10", "GONE-FIFO-BYTES"},
		{"ghosts", "procs/1/fd/16", "DATAGRAM-1"},
		{"ghosts", "procs/1/fd/22", "TO-SLAVE"},
	} {
		if got := read(t, sharedMount(t, row.fixture), row.link); got != row.want {
			t.Errorf("%s: %s has %.60q, want %.60q", row.fixture, row.link, got, row.want)
		}
	}
	for _, row := range []struct{ fixture, link, text string }{
		{"zoo", "procs/1/fd/14", "socket:[82254]"},
		{"ghosts", "procs/1/fd/13", "pipe:[261893]"},
		{"ghosts", "procs/1/fd/8", "/ghosts/directory (deleted)"},
		{"ghosts", "procs/1/cwd", "/ghosts/directory (deleted)"},
	} {
		link := filepath.Join(sharedMount(t, row.fixture), row.link)
		text := make([]byte, 4096)
		n, err := unix.Lgetxattr(link, "security.ckptfs.target", text)
		check(t, err)
		if string(text[:n]) != row.text || exists(link) {
			t.Errorf("%s: %s is %q and leads somewhere: %v; want %q, dangling", row.fixture, row.link, text[:n], exists(link), row.text)
		}
	}
}

// Deleted files have the owner, mode and times that they had, and their holes.
func TestRecoveredAttributes(t *testing.T) {
	root := filepath.Join(sharedMount(t, "ghosts"), "recovered")
	for name, want := range map[string]string{
		"file.pid1.fd4.owned___":          "regular file 4751 1234:2345 1111111111.250000000 1222222222.500000000",
		"device.pid1.fd7.device":          "character special file 644 0:0",
		"directory.pid1.cwd.directory":    "directory 711 0:0",
		"symlink.pid1.fd6.symlink":        "symbolic link 777 0:0",
		"deleted-fifo.pid1.fd10.gone":     "regular empty file 600 0:0",
		"sysv-shm.0.key0x4711":            "regular file 640 0:0",
		"memfd.pid1.fd23.sealed_.._name":  "regular file 777 0:0",
		"sysv-msg.0.key0x4713.0001.type7": "regular file 600 0:0",
	} {
		got := strings.TrimSpace(output(t, "stat", "-c", "%F %a %u:%g %.9X %.9Y", filepath.Join(root, name)))
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"file.pid1.fd3.sparse":           "8192-12288 299008-303104",
		"memfd.pid1.fd23.sealed_.._name": "4096-8192 40960-41060",
		"memfd.pid1.fd24.zeros":          "",
		"shm.5.pid1.map7f6c7f943000":     "12288-16384",
	} {
		f := open(t, root, name)
		var got []string
		for off := int64(0); ; {
			start, err := unix.Seek(int(f.Fd()), off, unix.SEEK_DATA)
			if errors.Is(err, syscall.ENXIO) {
				break
			}
			check(t, err)
			off, err = unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
			check(t, err)
			got = append(got, fmt.Sprintf("%d-%d", start, off))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s has data at %s, want %s", name, text, want)
		}
	}
	link, err := os.Readlink(filepath.Join(root, "symlink.pid1.fd6.symlink"))
	check(t, err)
	if link != "../rootfs/etc/passwd" {
		t.Errorf("symlink -> %q", link)
	}
}

// sha256sum -c agrees with all sums: of the archive's members and of what was
// recovered.
func TestSums(t *testing.T) {
	require(t, "sha256sum")
	const (
		archived  = `cd archive && find . -type f ! -path './*.tar.d/*' | wc -l && sha256sum -c ../SHA256SUMS | grep -c ': OK$'`
		recovered = `cd recovered && find . -type f ! -name index ! -name SHA256SUMS | wc -l && sha256sum -c SHA256SUMS | grep -c ': OK$'`
	)
	for fixture, scripts := range map[string][]string{"zoo": {archived, recovered}, "ghosts": {archived, recovered}, "counter": {archived}} {
		for _, script := range scripts {
			n := lines(shell(t, sharedMount(t, fixture), script))
			if len(n) != 2 || n[0] != n[1] || n[0] == "0" {
				t.Errorf("%s: %s: %v, want all of them OK", fixture, script, n)
			}
		}
	}
	if got := names(t, filepath.Join(sharedMount(t, "counter"), "recovered")); fmt.Sprint(got) != "[index]" {
		t.Errorf("counter has nothing to recover: %s", got)
	}
}

// What zoo runs from a memfd and from a deleted file comes out bit for bit: a
// program that runs.
func TestRecoveredPrograms(t *testing.T) {
	require(t, "sha256sum", "eu-elflint", "readelf", "timeout")
	root := sharedMount(t, "zoo")
	const size = "763824"
	sums := lines(shell(t, root, `
		sha256sum <procs/10/exe; sha256sum <procs/12/exe
		tail -c `+size+` archive/checkpoint/ghost-file-2.img | sha256sum
		head -c `+size+` archive/checkpoint/pages-7.img | sha256sum # that of pagemap-shmem-94.img, which memfd.img names`))
	if len(slices.Compact(sums)) != 1 {
		t.Errorf("sums of the programs: %v, want one", sums)
	}
	for _, name := range []string{"memfd.pid10.exe.evil", "file.pid12.exe.dropper"} {
		file := filepath.Join(root, "recovered", name)
		// GNU ld puts the symbol __ehdr_start of a static program before its first section.
		const known = "section [33] '.symtab': symbol 772 (__ehdr_start): st_value out of bounds\n"
		if r := run(t, "eu-elflint", "--gnu-ld", file); strings.ReplaceAll(r.stdout, known, "") != "" || r.stderr != "" {
			t.Errorf("eu-elflint %s: %s%s", name, r.stdout, r.stderr)
		}
		if r := run(t, "readelf", "-a", file); r.code != 0 || r.stderr != "" {
			t.Errorf("readelf -a %s: exit status %d, %s", name, r.code, r.stderr)
		}
		program := filepath.Join(t.TempDir(), "copy")
		check(t, os.WriteFile(program, []byte(read(t, file)), 0o755))
		if r := run(t, "timeout", "0.5", program); r.code != 124 || r.took < 500*time.Millisecond { // it sleeps for ever
			t.Errorf("%s, executed: exit status %d after %v, %s", name, r.code, r.took, r.stderr)
		}
	}
}
