package integration

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// waitEnded waits up to five seconds for the end of the mount's processes.
func (m *mounted) waitEnded() {
	for deadline := time.Now().Add(30 * time.Second); len(m.processes()) > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}

// A mount whose server is killed is taken away by its keeper; what is open
// there fails, and nothing waits.
func TestServerKilled(t *testing.T) {
	require(t, "fuse")
	for _, row := range []struct {
		name string
		new  func(t *testing.T) *mounted
	}{
		{"root", func(t *testing.T) *mounted {
			m, err := newMount(t.TempDir())
			check(t, err)
			return m
		}},
		{"user", userMount},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := row.new(t)
			m.start(t, program(t), copyFor(t, m, testdata("zoo", "checkpoint.tar.zst")))
			check(t, syscall.Kill(m.server(t), syscall.SIGKILL))
			m.waitEnded()
			if err := m.leftovers(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("in use", func(t *testing.T) {
		m, err := newMount(t.TempDir())
		check(t, err)
		m.start(t, program(t), testdata("zoo", "checkpoint.tar.zst"))
		f, err := os.Open(filepath.Join(m.point, "archive/checkpoint/pages-1.img"))
		check(t, err)
		defer f.Close()
		check(t, syscall.Kill(m.server(t), syscall.SIGKILL))
		m.waitEnded()
		if n, err := f.Read(make([]byte, 1)); err == nil {
			t.Errorf("reading on: %d bytes and no error", n)
		}
		if err := m.leftovers(); err != nil {
			t.Error(err)
		}
	})
}

// A keeper that is killed takes the server along, and leaves a dead mount that
// ckptfs umount clears.
func TestKeeperKilled(t *testing.T) {
	require(t, "fuse")
	m, err := newMount(t.TempDir())
	check(t, err)
	m.start(t, program(t), testdata("zoo", "checkpoint.tar.zst"))
	check(t, syscall.Kill(m.keeper(t), syscall.SIGKILL))
	m.waitEnded()
	// A dying process has no command line, and for a moment still its files: what
	// is asked for in that moment is aborted.
	_, err = syscall.Getxattr(m.point, "user.ckptfs.pid", nil)
	for deadline := time.Now().Add(30 * time.Second); errors.Is(err, syscall.ECONNABORTED) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
		_, err = syscall.Getxattr(m.point, "user.ckptfs.pid", nil)
	}
	if !m.isMounted() || !errors.Is(err, syscall.ENOTCONN) {
		t.Errorf("a mount whose keeper was killed: getxattr gives %v, want a dead mount", err)
	}
	if r := run(t, program(t), "umount", m.point); r.code != 0 || r.stderr != "" {
		t.Errorf("ckptfs umount of a dead mount = %d, %q, want 0 and silence", r.code, r.stderr)
	}
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}

// A signal while others read: they get the right bytes or an error, and nothing
// is left.
func TestSignalDuringReads(t *testing.T) {
	want := read(t, sharedMount(t, "zoo"), "procs/1/maps")
	m, err := newMount(t.TempDir())
	check(t, err)
	m.start(t, program(t), testdata("zoo", "checkpoint.tar.zst"))
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for {
				got, err := os.ReadFile(filepath.Join(m.point, "procs/1/maps"))
				if err != nil {
					return
				}
				if string(got) != want {
					t.Errorf("maps = %q, want %q", got, want)
				}
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	check(t, syscall.Kill(m.keeper(t), syscall.SIGTERM))
	readers.Wait()
	m.waitEnded()
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}

// In the foreground the server's end is said, and is a failure.
func TestForegroundServerKilled(t *testing.T) {
	require(t, "fuse")
	m, err := newMount(t.TempDir())
	check(t, err)
	cmd := m.command(program(t), "mount", "-f", testdata("zoo", "checkpoint.tar.zst"), m.point)
	check(t, cmd.Start())
	for deadline := time.Now().Add(30 * time.Second); !isMounted(m.point) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	check(t, syscall.Kill(m.server(t), syscall.SIGKILL))
	if err := waitFor(cmd, 30*time.Second); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ckptfs mount -f whose server is killed: %v, want exit status 1", err)
	}
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}
