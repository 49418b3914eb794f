package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// listing prints what a file system shows of each file below the current
// folder: type, mode, owner, size, time, link target and device.
const listing = `find . -mindepth 1 \( -type f -printf '%p %y %m %U:%G %s %T@\n' \) -o \( -type l -printf '%p %y %U:%G %l\n' \) ` +
	`-o \( -type d -printf '%p %y %m %U:%G %T@\n' \) -o -printf '%p %y %m %U:%G\n' | sort`

// rootfs-diff is what tar makes of the archive's rootfs-diff.tar: names, types,
// modes, owners, times, sizes and content.
func TestRootfsDiff(t *testing.T) {
	require(t, "fuse")
	for _, fixture := range full {
		compareRootfs(t, sharedMount(t, fixture), contents(t, fixture))
	}
}

// compareRootfs compares the mount's rootfs-diff with rootfs-diff.tar in the
// unpacked archive. Folders that tar had to make up have no time to compare.
func compareRootfs(t *testing.T, root, unpacked string) {
	t.Helper()
	want := t.TempDir()
	output(t, "tar", "-xpf", filepath.Join(unpacked, "rootfs-diff.tar"), "--xattrs", "--xattrs-include=*", "-C", want)
	got := map[string]string{}
	for _, line := range lines(shell(t, filepath.Join(root, "rootfs-diff"), listing)) {
		path, _, _ := strings.Cut(line, " ")
		got[path] = line
	}
	members := map[string]bool{}
	for _, m := range lines(output(t, "tar", "-tf", filepath.Join(unpacked, "rootfs-diff.tar"))) {
		members["./"+strings.TrimSuffix(strings.TrimPrefix(m, "./"), "/")] = true
	}
	for _, line := range lines(shell(t, want, listing)) {
		path, _, _ := strings.Cut(line, " ")
		if got[path] == "" {
			t.Errorf("rootfs-diff: %s is missing", path)
		} else if members[path] && got[path] != line {
			t.Errorf("rootfs-diff: %q, want %q", got[path], line)
		}
		delete(got, path)
	}
	for path, line := range got {
		if !leadsToDeleted(t, root, strings.TrimPrefix(path, ".")) {
			t.Errorf("rootfs-diff: %q is too much", line)
		}
	}
	sums := `find . -type f -exec sha256sum {} + | sort -k2`
	if g, w := shell(t, filepath.Join(root, "rootfs-diff"), sums), shell(t, want, sums); g != w {
		t.Errorf("rootfs-diff: contents %s\nwant %s", g, w)
	}
}

// leadsToDeleted reports whether path was deleted, so that a whiteout stands
// there, or is a folder with a whiteout below.
func leadsToDeleted(t *testing.T, root, path string) bool {
	t.Helper()
	for _, deleted := range lines(read(t, root, "rootfs-deleted")) {
		if path == deleted || strings.HasPrefix(deleted, path+"/") {
			return true
		}
	}
	return false
}

// A container that deleted files: whiteouts as overlayfs has them, and the
// paths as a list; set-user-ID bits, xattrs and a fifo stay.
func TestWhiteouts(t *testing.T) {
	archive := testdata("variants", "full.tar.zst")
	root := mount(t, archive)
	dir := t.TempDir()
	unpack(t, archive, dir)
	compareRootfs(t, root, dir)
	deleted := lines(read(t, root, "rootfs-deleted"))
	if len(deleted) == 0 {
		t.Error("rootfs-deleted is empty")
	}
	for _, path := range deleted {
		if !strings.Contains(read(t, dir, "deleted.files"), `"`+path+`"`) {
			t.Errorf("rootfs-deleted: %q is not in deleted.files", path)
		}
		fi, err := os.Lstat(filepath.Join(root, "rootfs-diff", path))
		if err != nil {
			t.Error(err)
			continue
		}
		if fi.Mode().Type() != os.ModeDevice|os.ModeCharDevice || fi.Sys().(*syscall.Stat_t).Rdev != 0 {
			t.Errorf("%s: mode %v, want a character device 0:0", path, fi.Mode())
		}
	}
}

// nestedTar is how diff tells of the folder in which archive/ also shows a
// nested tar.
var nestedTar = regexp.MustCompile(`^Only in .*/archive(/checkpoint)?: .*\.tar.*\.d$`)

// archive/ is the archive's members as they are.
func TestArchiveMembers(t *testing.T) {
	for _, fixture := range full {
		root, want := sharedMount(t, fixture), contents(t, fixture)
		r := run(t, "diff", "-r", "--no-dereference", want, filepath.Join(root, "archive"))
		for _, line := range lines(r.stdout + r.stderr) {
			if !nestedTar.MatchString(line) {
				t.Errorf("%s: %s", fixture, line)
			}
		}
		for _, line := range lines(shell(t, want, listing)) {
			path, _, _ := strings.Cut(line, " ")
			got := strings.TrimSpace(shell(t, filepath.Join(root, "archive"), strings.Replace(listing, "find . -mindepth 1", `find "`+path+`" -maxdepth 0`, 1)))
			if got != line {
				t.Errorf("%s: archive/ has %q, want %q", fixture, got, line)
			}
		}
	}
}
