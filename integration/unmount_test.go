package integration

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each way to end a mount leaves no process, no mount and no file.
func TestUnmount(t *testing.T) {
	require(t, "fuse")
	for _, fixture := range full {
		archive := testdata(fixture, "checkpoint.tar.zst")
		for _, row := range []struct {
			name string
			end  func(t *testing.T, m *mounted)
		}{
			{"umount", func(t *testing.T, m *mounted) {
				if err := m.unmount(); err != nil {
					t.Error(err)
				}
			}},
			{"ckptfs umount", func(t *testing.T, m *mounted) {
				r := runCmd(t, commandLimit, m.command(program(t), "umount", m.point))
				if r.code != 0 || r.stderr != "" {
					t.Errorf("ckptfs umount = %d, %q, want 0 and silence", r.code, r.stderr)
				}
			}},
			{"SIGTERM", func(_ *testing.T, m *mounted) { signalAll(m, syscall.SIGTERM) }},
			{"SIGINT", func(_ *testing.T, m *mounted) { signalAll(m, syscall.SIGINT) }},
		} {
			t.Run(fixture+"/"+row.name, func(t *testing.T) {
				m, err := newMount(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				m.start(t, program(t), archive)
				if len(m.processes()) == 0 {
					t.Fatal("no process carries the mount's mark: the daemon dropped its environment")
				}
				read(t, m.point, "procs/1/comm")
				row.end(t, m)
				waitUnmounted(m)
				if err := m.leftovers(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func signalAll(m *mounted, sig syscall.Signal) {
	for _, pid := range m.processes() {
		syscall.Kill(pid, sig)
	}
}

// waitUnmounted waits up to five seconds.
func waitUnmounted(m *mounted) {
	for deadline := time.Now().Add(30 * time.Second); isMounted(m.point) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}

// mount -f serves in the foreground until a signal comes, then ends with 0.
func TestForeground(t *testing.T) {
	require(t, "fuse")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			m, err := newMount(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			cmd := m.command(program(t), "mount", "-f", testdata("zoo", "checkpoint.tar.zst"), m.point)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(30 * time.Second); !isMounted(m.point); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					cmd.Process.Kill()
					t.Fatal("mount -f did not mount in 10 s")
				}
			}
			read(t, m.point, "procs/1/comm")
			cmd.Process.Signal(sig)
			if err := waitFor(cmd, 30*time.Second); err != nil {
				t.Errorf("ckptfs mount -f after %v: %v, want exit status 0", sig, err)
			}
			if err := m.leftovers(); err != nil {
				t.Error(err)
			}
		})
	}
}

// waitFor is cmd.Wait with a limit, at which it kills.
func waitFor(cmd *exec.Cmd, limit time.Duration) error {
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	defer timer.Stop()
	return cmd.Wait()
}

// A mount in use stays: umount says so in one line, and what is open goes on.
func TestUmountBusy(t *testing.T) {
	root := mount(t, testdata("zoo", "checkpoint.tar.zst"))
	f, err := os.Open(filepath.Join(root, "README"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := run(t, program(t), "umount", root)
	if r.code != 1 || len(lines(r.stderr)) != 1 {
		t.Errorf("ckptfs umount of a mount in use = %d, %q, want 1 and one line", r.code, r.stderr)
	}
	if b, err := io.ReadAll(f); err != nil || len(b) == 0 {
		t.Errorf("README after umount was refused: %d bytes, %v", len(b), err)
	}
}

// A mount that another mount namespace has too is served on, and umount says so.
func TestUmountHeldElsewhere(t *testing.T) {
	require(t, "fuse", "unshare")
	m, err := newMount(t.TempDir())
	check(t, err)
	m.start(t, program(t), testdata("zoo", "checkpoint.tar.zst"))
	elsewhere := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", "echo ready; read end")
	input, err := elsewhere.StdinPipe()
	check(t, err)
	said, err := elsewhere.StdoutPipe()
	check(t, err)
	check(t, elsewhere.Start())
	_, err = said.Read(make([]byte, 1))
	check(t, err)
	r := run(t, program(t), "umount", m.point)
	if r.code != 1 || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "its daemon still runs: another mount namespace") {
		t.Errorf("ckptfs umount = %d, %q, want 1 and that another mount namespace has it", r.code, r.stderr)
	}
	check(t, input.Close())
	elsewhere.Wait()
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}

// Wrong use, and what cannot be mounted, is said in one line.
func TestCommandErrors(t *testing.T) {
	zoo := testdata("zoo", "checkpoint.tar.zst")
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	empty := filepath.Join(dir, "empty")
	for name, content := range map[string]string{text: strings.Repeat("no archive\n", 100), empty: ""} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name string
		args []string
		code int
	}{
		{"no arguments to mount", []string{"mount"}, 2},
		{"no mount point", []string{"mount", zoo}, 2},
		{"too many arguments", []string{"mount", zoo, dir, dir}, 2},
		{"an empty archive name", []string{"mount", "", dir}, 2},
		{"an empty rootfs", []string{"mount", "--rootfs", "", zoo, dir}, 2},
		{"unknown flag", []string{"mount", "--no-such-flag", zoo, dir}, 2},
		{"unknown command", []string{"no-such-command"}, 2},
		{"no archive", []string{"mount", filepath.Join(dir, "none"), dir}, 1},
		{"no such mount point", []string{"mount", zoo, filepath.Join(dir, "none")}, 1},
		{"mount point is a file", []string{"mount", zoo, text}, 1},
		{"archive is text", []string{"mount", text, dir}, 1},
		{"archive is empty", []string{"mount", empty, dir}, 1},
		{"archive is an empty directory", []string{"mount", t.TempDir(), dir}, 1},
		{"show of text", []string{"show", text}, 1},
		{"umount of what is no mount", []string{"umount", dir}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := run(t, program(t), row.args...)
			if r.code != row.code {
				t.Errorf("ckptfs %v = exit status %d, want %d (%q)", row.args, r.code, row.code, r.stderr)
			}
			if n := len(lines(r.stderr)); row.code == 1 && n != 1 || n == 0 {
				t.Errorf("ckptfs %v: %d lines on standard error, want one: %q", row.args, n, r.stderr)
			}
			if isMounted(dir) {
				output(t, "umount", dir)
				t.Errorf("ckptfs %v mounted", row.args)
			}
		})
	}
}
