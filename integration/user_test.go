package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// userMount returns a mount for a user who is not root: nobody, where the tests
// run as root, otherwise who runs them.
func userMount(t *testing.T) *mounted {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m, err := newMount(dir)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		m.user = newOtherUser(t)
		for _, d := range []string{dir, m.point, m.spool} {
			if err := os.Chown(d, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

// copyFor copies an archive to where the mount's user can read it.
func copyFor(t *testing.T, m *mounted, archive string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(m.point), filepath.Base(archive))
	if err := os.WriteFile(path, []byte(read(t, archive)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A user who is not root mounts through fusermount3, reads, and unmounts.
func TestMountByUser(t *testing.T) {
	require(t, "fuse", "fusermount3")
	for _, fixture := range full {
		t.Run(fixture, func(t *testing.T) {
			m := userMount(t)
			archive := copyFor(t, m, testdata(fixture, "checkpoint.tar.zst"))
			m.start(t, program(t), archive)
			out, err := m.command("bash", "-euc", `
				cd "$1"
				cat procs/1/comm
				find . -ls >/dev/null
				find . -type f ! -name mem ! -path './cores/*' -exec cat {} + >/dev/null
				if touch new 2>/dev/null; then echo writable; fi
			`, "sh", m.point).CombinedOutput()
			want := read(t, truth(t, fixture), "1", "comm")
			if err != nil || string(out) != want {
				t.Errorf("reading as a user = %q, %v, want %q", out, err, want)
			}
			checkOwnerOnly(t, m)
			m.stop(t)
		})
	}
}

// checkOwnerOnly fails where somebody else gets into the mount.
func checkOwnerOnly(t *testing.T, m *mounted) {
	t.Helper()
	if m.user == nil {
		return // we are the owner
	}
	stranger := otherUser{m.user.holder, nobody - 1}
	if out, err := stranger.command("ls", m.point).CombinedOutput(); err == nil {
		t.Errorf("another user lists the mount: %s", out)
	}
}

// ckptfs umount works for the user, too.
func TestUmountByUser(t *testing.T) {
	require(t, "fuse", "fusermount3")
	m := userMount(t)
	m.start(t, program(t), copyFor(t, m, testdata("zoo", "checkpoint.tar.zst")))
	if r := runCmd(t, commandLimit, m.command(program(t), "umount", m.point)); r.code != 0 {
		t.Errorf("ckptfs umount = %d, %q, want 0", r.code, r.stderr)
	}
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}

// Root needs no fusermount3; a user who lacks it is told so in one line.
func TestMountWithoutFusermount(t *testing.T) {
	require(t, "fuse")
	m, err := newMount(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := m.command(program(t), "mount", testdata("zoo", "checkpoint.tar.zst"), m.point)
	cmd.Env = append(cmd.Env, "PATH="+t.TempDir())
	r := runCmd(t, commandLimit, cmd)
	if os.Geteuid() != 0 {
		if r.code != 1 || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "fusermount") {
			t.Errorf("mount without fusermount3 = %d, %q, want 1 and a line that names it", r.code, r.stderr)
		}
		return
	}
	if r.code != 0 {
		t.Fatalf("mount by root without fusermount3 = %d, %q, want 0", r.code, r.stderr)
	}
	m.stop(t)
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), part)
}

// hasWord reports whether word is one of the comma-separated words of s.
func hasWord(s, word string) bool {
	for w := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		if w == word {
			return true
		}
	}
	return false
}

// Whoever may not read the archive's members on the host need not care: the
// mount shows them with the archive's modes, to its owner.
func TestModesAreTheArchives(t *testing.T) {
	root := sharedMount(t, "zoo")
	for _, row := range []struct {
		path string
		mode fs.FileMode
	}{
		{"rootfs-diff/work/app.log", 0o640},
		{"rootfs-diff/work/locked", 0o600},
		{"rootfs-diff/work", fs.ModeDir | 0o755},
	} {
		fi, err := os.Lstat(filepath.Join(root, row.path))
		if err != nil || fi.Mode() != row.mode {
			t.Errorf("mode of %s = %v, %v, want %v", row.path, fi.Mode(), err, row.mode)
		}
	}
}
