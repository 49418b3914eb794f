package integration

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Whatever writes gets EROFS, root too.
func TestReadOnly(t *testing.T) {
	root := sharedMount(t, "zoo")
	path := func(name string) string { return filepath.Join(root, name) }
	openFor := func(name string, flags int) error {
		f, err := os.OpenFile(path(name), flags, 0o644)
		if err == nil {
			f.Close()
		}
		return err
	}
	now := time.Now()
	for _, row := range []struct {
		name string
		err  error
	}{
		{"open for writing", openFor("README", os.O_WRONLY)},
		{"open for reading and writing", openFor("procs/1/mem", os.O_RDWR)},
		{"truncate on open", openFor("README", os.O_WRONLY|os.O_TRUNC)},
		{"create", openFor("new", os.O_WRONLY|os.O_CREATE)},
		{"create in rootfs-diff", openFor("rootfs-diff/new", os.O_WRONLY|os.O_CREATE)},
		{"truncate", os.Truncate(path("README"), 0)},
		{"chmod", os.Chmod(path("README"), 0o777)},
		{"chown", os.Chown(path("README"), 1, 1)},
		{"touch", os.Chtimes(path("README"), now, now)},
		{"mkdir", os.Mkdir(path("new"), 0o755)},
		{"mkfifo", syscall.Mkfifo(path("new"), 0o644)},
		{"remove a file", syscall.Unlink(path("README"))},
		{"remove a directory", syscall.Rmdir(path("rootfs-diff/scratch"))},
		{"rename", os.Rename(path("README"), path("new"))},
		{"link", os.Link(path("README"), path("new"))},
		{"symlink", os.Symlink("README", path("new"))},
		{"setxattr", syscall.Setxattr(path("README"), "user.x", []byte("x"), 0)},
		{"removexattr", syscall.Removexattr(path("procs/1/mem"), "security.ckptfs.target")},
	} {
		if !errors.Is(row.err, syscall.EROFS) {
			t.Errorf("%s = %v, want EROFS", row.name, row.err)
		}
	}
}

// The same through the tools that people use.
func TestReadOnlyTools(t *testing.T) {
	root := sharedMount(t, "counter")
	for _, script := range []string{
		`touch README`, `touch new`, `rm -f README`, `rm -rf procs/1`, `chmod 777 README`,
		`echo x >README`, `echo x >>README`, `mkdir new`, `ln -s README new`, `mv README new`, `cp stats new`,
	} {
		r := run(t, "bash", "-c", `cd "$1" && `+script, "sh", root)
		if r.code == 0 || !containsFold(r.stderr, "read-only file system") {
			t.Errorf("%s = exit status %d, %q, want a read-only file system", script, r.code, r.stderr)
		}
	}
}

// The mount's own options keep the analyst safe: read-only, and nothing in it
// is a device, set-user-ID or to be run.
func TestMountOptions(t *testing.T) {
	root := sharedMount(t, "zoo")
	options := shell(t, root, `findmnt -no VFS-OPTIONS --target .`)
	for _, want := range []string{"ro", "nosuid", "nodev", "noexec"} {
		if !hasWord(options, want) {
			t.Errorf("mount options = %q, want %s among them", options, want)
		}
	}
}
