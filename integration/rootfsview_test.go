package integration

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rootfs/ of zoo, as zoo.c left it: files that it wrote beside files of the
// image, and what lay in a tmpfs and in /dev/shm.
func TestRootfsOfZoo(t *testing.T) {
	root := filepath.Join(mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", testdata("zoo", "sysroot.tar.zst")), "rootfs")
	var data []byte
	for i := range byte(8) {
		data = append(data, bytes.Repeat([]byte{'0' + i}, pageSize)...)
	}
	copy(data[6*pageSize:], "SHARED-FILE-PAGE6\x00") // through a shared mapping
	if got := read(t, root, "work/data.bin"); got != string(data) {
		t.Errorf("work/data.bin: %d bytes, want what zoo.c wrote", len(got))
	}
	shm := make([]byte, 2*pageSize)
	copy(shm, "POSIX-SHM-SECRET")
	if got := read(t, root, "dev/shm/posix-shm"); got != string(shm) {
		t.Errorf("dev/shm/posix-shm: %d bytes that begin with %.20q", len(got), got)
	}
	if got := read(t, root, "work/app.log"); got != "log line 1\n" {
		t.Errorf("work/app.log = %q", got)
	}
	if got, want := read(t, root, "zoo"), read(t, sysroot(t, "zoo"), "zoo"); got != want {
		t.Error("zoo is not the image's")
	}
	wantTypes(t, root, map[string]fs.FileMode{
		"scratch": fs.ModeDir, "lib/x86_64-linux-gnu/libc.so.6": 0, "proc": fs.ModeDir,
	})
	// The roots of mounts are as they were: who looks for a directory that all may
	// write to finds those.
	writable := lines(output(t, "find", root, "-type", "d", "-perm", "-1002", "-printf", `%P\n`))
	for _, name := range []string{"scratch", "dev/shm"} {
		if !slices.Contains(writable, name) {
			t.Errorf("directories that all may write to: %q, want %s among them", writable, name)
		}
	}
	for _, gone := range []string{"work/deleted-evidence", "work/dropper"} {
		if _, err := os.Lstat(filepath.Join(root, gone)); err == nil {
			t.Errorf("%s is there, and was deleted", gone)
		}
	}
}

// rootfs/ of a container with two volumes, a tmpfs, a FIFO, a set-user-ID file
// and deleted files.
func TestRootfsOfVariants(t *testing.T) {
	mounted := mount(t, testdata("variants", "full.tar.zst"))
	root := filepath.Join(mounted, "rootfs")
	volume := t.TempDir()
	output(t, "tar", "-xf", filepath.Join(mounted, "archive/volumes/vol1.tar"), "-C", volume)
	for _, name := range []string{"file1", "d/y", "d/l"} {
		if got, want := read(t, root, "data", name), read(t, volume, name); got != want || got == "" {
			t.Errorf("data/%s = %q, want that of the volume, %q", name, got, want)
		}
	}
	wantTypes(t, root, map[string]fs.FileMode{
		"data/d/l": fs.ModeSymlink, "data2": fs.ModeDir, "work/fifo": fs.ModeNamedPipe,
		"work/newfile": fs.ModeSetuid, "dev/shm/shmfile": 0, "bind": fs.ModeDir,
	})
	for _, gone := range lines(read(t, mounted, "rootfs-deleted")) {
		if _, err := os.Lstat(filepath.Join(root, gone)); err == nil {
			t.Errorf("%s is there, and was deleted", gone)
		}
	}
	scratch, err := os.ReadDir(filepath.Join(root, "scratch"))
	if err != nil || len(scratch) == 0 {
		t.Errorf("scratch, a tmpfs: %v, %v", scratch, err)
	}
	// Whatever a link's text is, it leads no further than rootfs/.
	check(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSymlink {
			to, err := os.Readlink(path)
			check(t, err)
			if at := filepath.Join(filepath.Dir(path), to); filepath.IsAbs(to) || !strings.HasPrefix(at+"/", root+"/") {
				t.Errorf("%s -> %s leads out", path, to)
			}
		}
		return err
	}))
}

// wantTypes checks the types of files and, of regular ones, the set-user-ID bit.
func wantTypes(t *testing.T, root string, types map[string]fs.FileMode) {
	t.Helper()
	for name, want := range types {
		fi, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if got := fi.Mode() & (fs.ModeType | fs.ModeSetuid); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
