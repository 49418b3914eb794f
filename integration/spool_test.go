package integration

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inMountNamespace runs a script as root of mount and user namespaces of its
// own, where it may mount.
func inMountNamespace(t *testing.T, script string) result {
	t.Helper()
	require(t, "unshare")
	return run(t, "unshare", "--mount", "--map-root-user", "bash", "-euc", script)
}

// A spool that becomes full is said in one line with all that is needed to go
// on, and nothing is left there.
func TestSpoolFull(t *testing.T) {
	archive, dir := testdata("counter", "checkpoint.tar.zst"), t.TempDir()
	r := inMountNamespace(t, fmt.Sprintf(`
		mount -t tmpfs -o size=4M none %[1]s
		%[2]s show --spool-dir %[1]s %[3]s && echo shown
		ls -A %[1]s
		stat -f -c '%%b blocks, %%f free' %[1]s`, dir, program(t), archive))
	if got := lines(r.stdout); r.code != 0 || len(got) != 1 || got[0] != "1024 blocks, 1024 free" {
		t.Errorf("exit status %d, stdout %q, want no summary and an empty spool", r.code, r.stdout)
	}
	got := lines(r.stderr)
	if len(got) != 1 {
		t.Fatalf("stderr = %q, want one line", r.stderr)
	}
	for _, want := range []string{archive, dir, "it takes about", "4 are free", "--spool-dir"} {
		if !strings.Contains(got[0], want) {
			t.Errorf("%q does not say %q", got[0], want)
		}
	}
}

// Memory is no spool unless it is asked for: where $TMPDIR and /var/tmp are
// both kept there, there is none.
func TestSpoolInMemory(t *testing.T) {
	archive, dir := testdata("counter", "checkpoint.tar.zst"), t.TempDir()
	prepare := fmt.Sprintf("export TMPDIR=%s; mount -t tmpfs none $TMPDIR; mount -t tmpfs none /var/tmp; ", dir)
	r := inMountNamespace(t, prepare+fmt.Sprintf("%s show %s", program(t), archive))
	if got := lines(r.stderr); r.code != 1 || len(got) != 1 || !strings.Contains(got[0], "/var/tmp: it is kept in memory") || !strings.Contains(got[0], "--spool-dir") {
		t.Errorf("without --spool-dir: exit status %d, %q, want 1 and one line", r.code, r.stderr)
	}
	r = inMountNamespace(t, prepare+fmt.Sprintf("%s show --spool-dir $TMPDIR %s", program(t), archive))
	if r.code != 0 || r.stderr != "" {
		t.Errorf("with --spool-dir: exit status %d, %q, want 0 and silence", r.code, r.stderr)
	}
}

// A signal during the expansion leaves no mount, no process and no file.
func TestInterruptedExpansion(t *testing.T) {
	require(t, "fuse")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			m, err := newMount(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			cmd := m.command(program(t), "mount", "--spool-dir", m.spool, slowArchive(t), m.point)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell does, and Ctrl-C reaches all of it
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitForSpool(t, m)
			syscall.Kill(-cmd.Process.Pid, sig)
			if err := waitFor(cmd, 30*time.Second); cmd.ProcessState.ExitCode() != 130 || len(lines(stderr.String())) != 1 {
				t.Errorf("ckptfs mount after %v: %v, %q, want exit status 130 and one line", sig, err, stderr.String())
			}
			if err := m.leftovers(); err != nil {
				t.Error(err)
			}
		})
	}
}

// waitForSpool waits until a process of the mount has a file in its spool.
func waitForSpool(t *testing.T, m *mounted) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, pid := range m.processes() {
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
			for _, f := range files {
				if to, _ := os.Readlink(f); strings.HasPrefix(to, m.spool+"/") {
					return
				}
			}
		}
	}
	t.Fatal("nothing was expanded in 10 s")
}

// slowArchive makes an archive that takes long to expand and no room: a tar
// with a member of 16 GiB of zeros, in pieces of gzip.
func slowArchive(t *testing.T) string {
	t.Helper()
	const size, piece = 16 << 30, 64 << 20
	deflate := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}
	var header bytes.Buffer
	check(t, tar.NewWriter(&header).WriteHeader(&tar.Header{Name: "pages-1.img", Size: size, Format: tar.FormatGNU}))
	content := append(deflate(header.Bytes()), bytes.Repeat(deflate(make([]byte, piece)), size/piece)...)
	path := filepath.Join(t.TempDir(), "slow.tar.gz")
	check(t, os.WriteFile(path, content, 0o644))
	return path
}

// Who enters the folder of an archive that takes long to expand need not wait:
// a signal ends the waiting. Meanwhile the other archives are there, and an
// unmount leaves nothing of it.
func TestManyInterrupted(t *testing.T) {
	require(t, "fuse", "timeout")
	dir := manyOf(t, "zoo-1.tar")
	check(t, os.Rename(slowArchive(t), filepath.Join(dir, "slow")))
	m, err := newMount(t.TempDir())
	check(t, err)
	m.start(t, program(t), dir, "--spool-dir", m.spool)
	t.Cleanup(func() { m.stop(t) })
	r := run(t, "timeout", "--signal=INT", "1", "ls", filepath.Join(m.point, "slow"))
	if r.code != 124 || r.took > 10*time.Second {
		t.Errorf("ls with a limit of 1 s: exit status %d after %v, want 124", r.code, r.took)
	}
	waitForSpool(t, m) // it is still being expanded
	isFixture(t, filepath.Join(m.point, "zoo-1.tar"), "zoo")
}
