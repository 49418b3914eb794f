package layout_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

const rw = decoder.ProtRead | decoder.ProtWrite

// sample is a shell with a page of arguments and memory of each kind, and a
// zombie.
func sample(t *testing.T) decodertest.Checkpoint {
	return decodertest.Checkpoint{
		Files: map[uint32]string{0: "/", 1: "/bin/sh"},
		Processes: []decodertest.Process{
			{
				PID: 1, Comm: "sh",
				VMAs: []decodertest.VMA{
					{Start: 0x10000, End: 0x12000, Prot: decoder.ProtRead, Flags: decoder.MapPrivate, Status: decoder.StatusRegular | decoder.StatusFilePrivate, ShmID: 1},
					{Start: 0x20000, End: 0x22000, Prot: rw},
				},
				Runs: []decodertest.Run{{Addr: 0x20000, Pages: 1, Flags: criu.PagePresent, Data: pageOf("sh\x00-c\x00date\x00HOME=/root\x00")}},
				Args: decoder.Range{Start: 0x20000, End: 0x2000b},
				Env:  decoder.Range{Start: 0x2000b, End: 0x20016},
			},
			{PID: 5, PPID: 1, Comm: "gone", Dead: true},
		},
		Members: map[string][]byte{
			"rootfs-diff.tar": rootfsDiff(t),
			"deleted.files":   []byte(`["/etc/group", "/bin/deleted"]`),
		},
	}
}

func pageOf(s string) []byte { return append([]byte(s), make([]byte, 4096-len(s))...) }

func rootfsDiff(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "etc/passwd", Typeflag: tar.TypeReg, Mode: 0o4644, Uid: 7, Size: 4, PAXRecords: map[string]string{"SCHILY.xattr.user.a": "b"}},
		{Name: "etc/alias", Typeflag: tar.TypeLink, Linkname: "etc/passwd"},
		{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "/usr/bin"},
		{Name: "run/fifo", Typeflag: tar.TypeFifo, Mode: 0o600},
	} {
		h.Format = tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			io.WriteString(w, "root")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoot(t *testing.T) {
	ck := sample(t).Open(t)
	root := layout.Root(ck, layout.Options{})
	treetest.Check(t, root)
	want := map[string]string{
		"procs/1/comm":                         "sh\n",
		"procs/1/cmdline":                      "sh\x00-c\x00date\x00",
		"procs/1/cmdline.txt":                  "sh\n-c\ndate\n",
		"procs/1/environ":                      "HOME=/root\x00",
		"procs/1/environ.txt":                  "HOME=/root\n",
		"procs/1/task/1/comm":                  "sh\n",
		"procs/5/comm":                         "gone\n",
		"procs/5/cmdline":                      "",
		"procs/5/task/5/comm":                  "gone\n",
		"rootfs-diff/etc/passwd":               "root",
		"rootfs-diff/etc/alias":                "root",
		"archive/rootfs-diff.tar.d/etc/passwd": "root",
		"rootfs-deleted":                       "/etc/group\n/bin/deleted\n",
		"procs/1/mem.idx": "0000000000010000\t0000000000012000\tr--p\tabsent\t-\t-\tsh\n" +
			"0000000000020000\t0000000000021000\trw-p\tcaptured\tarchive/checkpoint/pages-1.img\t0\tanon\n" +
			"0000000000021000\t0000000000022000\trw-p\tzero\t-\t-\tanon\n",
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := read(t, root, name); got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
	if got, want := list(t, root, "procs/5"), "auxv cgroup children cmdline cmdline.txt comm environ environ.txt fd fdinfo io map_files maps ns schedstat smaps stat statm status syscall task timers unavailable wchan"; got != want {
		t.Errorf("a zombie has %s, want %s", got, want)
	}
	if got, want := list(t, root, "cores"), "core.1"; got != want {
		t.Errorf("cores has %s, want %s", got, want)
	}
	if got, want := list(t, root, "procs/1/mem.d"), "0000000000020000-0000000000022000.rw-p.anon"; got != want {
		t.Errorf("mem.d has %s, want %s", got, want)
	}
	// One of the deletions lies below a link, where nothing can have been.
	if got := read(t, root, "warnings"); strings.Count(got, "\n") != 1 || !strings.Contains(got, "/bin/deleted") {
		t.Errorf("warnings: %q", got)
	}
}

func TestAttributes(t *testing.T) {
	root := layout.Root(sample(t).Open(t), layout.Options{})
	passwd := lookup(t, root, "rootfs-diff/etc/passwd").Attr()
	if passwd.Perm != 0o4644 || passwd.UID != 7 || passwd.Nlink != 2 || passwd.Xattrs["user.a"] != "b" {
		t.Errorf("etc/passwd: %+v", passwd)
	}
	if got := lookup(t, root, "rootfs-diff/etc/alias").Attr().InodePath; got != "rootfs-diff/etc/passwd" {
		t.Errorf("inode of a hard link is that of %q, want rootfs-diff/etc/passwd", got)
	}
	mode, major, minor := lookup(t, root, "rootfs-diff/etc/group").(tree.Special).Special()
	if mode != 0o020000 || major != 0 || minor != 0 {
		t.Errorf("whiteout: type %o, device %d:%d, want a character device 0:0", mode, major, minor)
	}
	if mode, _, _ := lookup(t, root, "rootfs-diff/run/fifo").(tree.Special).Special(); mode != 0o010000 {
		t.Errorf("fifo: type %o", mode)
	}
	if uid := lookup(t, root, "procs/1").Attr().UID; uid != 1000 {
		t.Errorf("procs/1 belongs to %d, want the process's user 1000", uid)
	}
}

func TestLinks(t *testing.T) {
	for _, test := range []struct {
		raw            bool
		exe, bin, text string
	}{
		{false, "../../rootfs/bin/sh", "usr/bin", "/bin/sh"},
		{true, "/bin/sh", "/usr/bin", "/bin/sh"},
	} {
		root := layout.Root(sample(t).Open(t), layout.Options{RawLinks: test.raw})
		exe := lookup(t, root, "procs/1/exe").(tree.Symlink)
		if exe.Target() != test.exe || exe.Attr().Xattrs["security.ckptfs.target"] != test.text {
			t.Errorf("raw %v: exe -> %q, attributes %v, want %q", test.raw, exe.Target(), exe.Attr().Xattrs, test.exe)
		}
		if bin := lookup(t, root, "rootfs-diff/bin").(tree.Symlink); bin.Target() != test.bin {
			t.Errorf("raw %v: bin -> %q, want %q", test.raw, bin.Target(), test.bin)
		}
	}
}

// TestDamage breaks the image of one process, whose files must then fail one
// by one, each with a warning.
func TestDamage(t *testing.T) {
	c := sample(t)
	c.Members["checkpoint/mm-1.img"] = []byte("broken")
	root := layout.Root(c.Open(t), layout.Options{})
	for _, name := range []string{"maps", "mem", "cmdline", "environ.txt", "auxv"} {
		f := lookup(t, root, "procs/1/"+name).(tree.File)
		if _, err := f.Content(); err == nil {
			t.Errorf("%s of a process without its mm image: no error", name)
		}
	}
	if got := list(t, root, "cores"); got != "" {
		t.Errorf("cores has %s", got)
	}
	warnings := read(t, root, "warnings")
	for _, want := range []string{"checkpoint/mm-1.img: offset 0: magic", "procs/1/maps: ", "procs/1/cmdline: ", "cores/core.1: "} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings lack %q:\n%s", want, warnings)
		}
	}
	if got := read(t, root, "procs/1/comm"); got != "sh\n" {
		t.Errorf("comm = %q, which does not depend on the mm image", got)
	}
	if got := read(t, root, "summary"); !strings.Contains(got, "[sh]") {
		t.Errorf("summary lacks the process:\n%s", got)
	}
}

func lookup(t *testing.T, root tree.Dir, name string) tree.Node {
	t.Helper()
	var n tree.Node = root
	for _, component := range strings.Split(name, "/") {
		d, ok := n.(tree.Dir)
		if !ok {
			t.Fatalf("%s: %s is below what is no directory", name, component)
		}
		var err error
		if n, err = d.Lookup(component); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return n
}

func read(t *testing.T, root tree.Dir, name string) string {
	t.Helper()
	c, err := lookup(t, root, name).(tree.File).Content()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	b, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(b)
}

func list(t *testing.T, root tree.Dir, name string) string {
	t.Helper()
	entries, err := lookup(t, root, name).(tree.Dir).Entries()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return strings.Trim(fmt.Sprint(names), "[]")
}

// TestOddDeletions deletes a folder after a file in it, and names that no
// file can have.
func TestOddDeletions(t *testing.T) {
	c := sample(t)
	c.Members["deleted.files"] = []byte(`["/gone/a", "/gone", "/` + strings.Repeat("x", 256) + `", "` + strings.Repeat("/d", 2000) + `"]`)
	root := layout.Root(c.Open(t), layout.Options{})
	if _, ok := lookup(t, root, "rootfs-diff/gone").(tree.Special); !ok {
		t.Error("a deleted folder is no whiteout")
	}
	if got := strings.Count(read(t, root, "warnings"), "\n"); got != 2 {
		t.Errorf("%d warnings, want two", got)
	}
}

// TestNestedNamesake has a member where a nested tar would show as a folder.
func TestNestedNamesake(t *testing.T) {
	c := sample(t)
	c.Members["rootfs-diff.tar.d/fake"] = []byte("x")
	root := layout.Root(c.Open(t), layout.Options{})
	treetest.Check(t, root)
	if got := list(t, root, "archive/rootfs-diff.tar.d"); got != "fake" {
		t.Errorf("rootfs-diff.tar.d has %s, want the member", got)
	}
	if got := read(t, root, "warnings"); !strings.Contains(got, "a member has the name under which rootfs-diff.tar would show") {
		t.Errorf("warnings: %q", got)
	}
}

// TestPageSize has pages of 64 KiB, as some aarch64 machines do.
func TestPageSize(t *testing.T) {
	const page = 1 << 16
	c := decodertest.Checkpoint{
		Files: map[uint32]string{0: "/", 1: "/bin/sh"},
		Processes: []decodertest.Process{{
			PID: 1, Comm: "big", PageSize: page,
			VMAs: []decodertest.VMA{{Start: page, End: 4 * page, Prot: rw}},
			Runs: []decodertest.Run{
				{Addr: page, Pages: 1, Flags: criu.PagePresent, Data: []byte("ab")},
				{Addr: 3 * page, Pages: 1, Flags: criu.PagePresent, Data: []byte("cd")},
			},
		}},
	}
	ck := c.Open(t)
	if w := ck.Warnings.List(); len(w) > 0 {
		t.Fatalf("warnings: %q", w)
	}
	root := layout.Root(ck, layout.Options{})
	want := "0000000000010000\t0000000000020000\trw-p\tcaptured\tarchive/checkpoint/pages-1.img\t0\tanon\n" +
		"0000000000020000\t0000000000030000\trw-p\tzero\t-\t-\tanon\n" +
		"0000000000030000\t0000000000040000\trw-p\tcaptured\tarchive/checkpoint/pages-1.img\t65536\tanon\n"
	if got := read(t, root, "procs/1/mem.idx"); got != want {
		t.Errorf("mem.idx = %q, want %q", got, want)
	}
	content, err := lookup(t, root, "procs/1/mem").(tree.File).Content()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 2)
	if _, err := content.ReadAt(p, 4*page-2); err != nil || string(p) != "cd" {
		t.Errorf("the last bytes read %q, %v, want cd", p, err)
	}
	if got := read(t, root, "procs/1/smaps"); !strings.Contains(got, "KernelPageSize:       64 kB\n") {
		t.Errorf("smaps:\n%s", got)
	}
}
