package integration

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// marker is an environment variable by which the processes of one mount are
// found again, whatever they call themselves.
const marker = "CKPTFS_TEST_MOUNT"

// mounted is a mount made by a test: the mount point, the folder for the
// daemon's temporary files, and the mark its processes carry.
type mounted struct {
	point, spool, mark string
	user               *otherUser // nil: the user who runs the tests
}

// newMount makes an empty mount point and a spool below dir.
func newMount(dir string) (*mounted, error) {
	m := &mounted{point: filepath.Join(dir, "mnt"), spool: filepath.Join(dir, "spool"), mark: dir}
	return m, errors.Join(os.Mkdir(m.point, 0o755), os.Mkdir(m.spool, 0o755))
}

// command prepares ckptfs with args, to run as the mount's user with the
// mount's mark and spool.
func (m *mounted) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	if m.user != nil {
		cmd = m.user.command(program, args...)
	}
	cmd.Env = append(os.Environ(), marker+"="+m.mark, "TMPDIR="+m.spool)
	return cmd
}

// mount mounts archive with options and returns the mount point. It unmounts
// when the test ends, and fails it when a process, a mount or a file is left.
func mount(t testing.TB, archive string, options ...string) string {
	t.Helper()
	require(t, "fuse")
	m, err := newMount(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m.start(t, program(t), archive, options...)
	t.Cleanup(func() { m.stop(t) })
	return m.point
}

// start mounts, and fails the test where that fails or says anything.
func (m *mounted) start(t testing.TB, program, archive string, options ...string) result {
	t.Helper()
	args := append(append([]string{"mount"}, options...), archive, m.point)
	r := runCmd(t, commandLimit, m.command(program, args...))
	if r.code != 0 || r.stdout != "" || r.stderr != "" {
		t.Fatalf("ckptfs %s = exit status %d, stdout %q, stderr %q, want 0 and silence",
			strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	if !m.isMounted() {
		t.Fatalf("ckptfs %s returned, but %s is no mount", strings.Join(args, " "), m.point)
	}
	return r
}

// stop unmounts with the system's own command and checks that nothing is left.
func (m *mounted) stop(t testing.TB) {
	t.Helper()
	if err := m.unmount(); err != nil {
		t.Error(err)
	}
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}

// unmount unmounts. Somebody else who looks through /tmp may be in the mount for
// a moment, so a busy one is tried again for two seconds.
func (m *mounted) unmount() error {
	name, args := "umount", []string{m.point}
	if os.Geteuid() != 0 || m.user != nil {
		name, args = "fusermount3", []string{"-u", m.point}
	}
	var out []byte
	var err error
	for range 100 {
		out, err = m.command(name, args...).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("busy")) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		exec.Command("umount", "-l", m.point).Run()
		return fmt.Errorf("%s %s: %w\n%s", name, m.point, err, out)
	}
	return nil
}

// leftovers waits up to half a minute for the mount's processes to end and
// names what then is left: a mount, processes, files in the spool or in the
// mount point.
func (m *mounted) leftovers() error {
	var errs []error
	if m.isMounted() {
		errs = append(errs, fmt.Errorf("%s is still mounted", m.point))
	}
	deadline := time.Now().Add(30 * time.Second)
	pids := m.processes()
	for ; len(pids) > 0 && time.Now().Before(deadline); pids = m.processes() {
		time.Sleep(10 * time.Millisecond)
	}
	for _, pid := range pids {
		errs = append(errs, fmt.Errorf("process %d of the mount is left", pid))
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, dir := range []string{m.spool, m.point} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			errs = append(errs, err)
		}
		for _, e := range entries {
			errs = append(errs, fmt.Errorf("%s is left in %s", e.Name(), dir))
		}
	}
	return errors.Join(errs...)
}

// processes returns the processes that carry the mount's mark and are not
// zombies (whose environ is empty).
func (m *mounted) processes() []int {
	var pids []int
	want := []byte(marker + "=" + m.mark + "\x00")
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err == nil && bytes.Contains(env, want) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// isMounted reports whether the mount is there, for its user.
func (m *mounted) isMounted() bool {
	if m.user != nil {
		return listsMount(m.user.mountinfo(), m.point)
	}
	return isMounted(m.point)
}

// isMounted reports whether a mount stands at dir.
func isMounted(dir string) bool { return listsMount("/proc/self/mountinfo", dir) }

// listsMount reports whether a mountinfo file has a mount at dir.
func listsMount(mountinfo, dir string) bool {
	f, err := os.Open(mountinfo)
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 4 && fields[4] == dir {
			return true
		}
	}
	return false
}

var shared struct {
	sync.Mutex
	mounts map[string]*mounted
}

// sharedMount returns a mount of testdata/<fixture>/checkpoint.tar.zst for
// tests that only read. It stays until the run ends.
func sharedMount(t testing.TB, fixture string) string {
	t.Helper()
	return mountedOnce(t, testdata(fixture, "checkpoint.tar.zst"))
}

// mountedOnce returns a mount of archive as sharedMount does.
func mountedOnce(t testing.TB, archive string) string {
	t.Helper()
	require(t, "fuse")
	shared.Lock()
	defer shared.Unlock()
	if m, ok := shared.mounts[archive]; ok {
		return m.point
	}
	dir, err := os.MkdirTemp(scratch, "shared-")
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMount(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.start(t, program(t), archive)
	if shared.mounts == nil {
		shared.mounts = map[string]*mounted{}
	}
	shared.mounts[archive] = m
	return m.point
}

func releaseShared() error {
	var errs []error
	for _, m := range shared.mounts {
		errs = append(errs, m.unmount(), m.leftovers())
	}
	return errors.Join(errs...)
}
