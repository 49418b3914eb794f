package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// scratch holds what the whole run shares: the program, unpacked fixtures and
// the shared mounts. Everybody may enter it, so that a mount by another user
// can run the program.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(runAll(m)) //nolint:forbidigo // what the shared mounts leave behind fails the run
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ckptfs-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	scratch = dir
	if raceEnabled {
		// A daemon has nowhere to report a data race. One that ends there and
		// then fails whoever reads; `ckptfs mount -f` has the report.
		os.Setenv("GORACE", "halt_on_error=1")
	}
	code := m.Run()
	if err := releaseShared(); err != nil {
		fmt.Fprintln(os.Stderr, "shared mounts:", err)
		return 1
	}
	return code
}

// program returns the path of the program under test: CKPTFS_PROGRAM, or one
// built once, with the race detector when the tests have it.
func program(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var built = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("CKPTFS_PROGRAM"); path != "" {
		return filepath.Abs(path)
	}
	return buildProgram("ckptfs", raceEnabled)
})

// plainProgram is program without the race detector, whose shadow memory would
// hide how much the daemon itself takes.
func plainProgram(t testing.TB) string {
	t.Helper()
	path, err := builtPlain()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var builtPlain = sync.OnceValues(func() (string, error) {
	if !raceEnabled {
		return built()
	}
	return buildProgram("ckptfs-plain", false)
})

func buildProgram(name string, race bool) (string, error) {
	path := filepath.Join(scratch, name)
	args := []string{"build", "-o", path}
	if race {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "../cmd/ckptfs")...).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return "", errors.New("the program does not build")
	}
	return path, nil
}

// result is what a command left behind. code is -1 when it did not end by
// itself: killed by a signal, or by the time limit.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// commandLimit is how long an ordinary command may take.
const commandLimit = time.Minute

// run runs a command that may take no longer than commandLimit. The command's output must
// be closed when it ends: a daemon that keeps it open hangs every script that
// captures it, so that is an error here.
func run(t testing.TB, name string, args ...string) result {
	t.Helper()
	return runCmd(t, commandLimit, exec.Command(name, args...))
}

// runCmd is run for a prepared command and another limit.
func runCmd(t testing.TB, limit time.Duration, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 2 * time.Second
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	took := time.Since(start)
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrWaitDelay):
		t.Errorf("%s: ended, but its standard output is still open in another process", cmd)
	case err != nil && !errors.As(err, &exit):
		t.Fatalf("%s: %v", cmd, err)
	case ctx.Err() != nil && t.Context().Err() == nil:
		t.Errorf("%s: still running after %v", cmd, limit)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), took}
}

// output runs a command that must succeed and returns its standard output.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	r := run(t, name, args...)
	if r.code != 0 {
		t.Fatalf("%s %s: exit status %d\n%s", name, strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// require skips the test where one of the things it needs is missing, and
// fails it when CKPTFS_REQUIRE lists that thing. "fuse" is a usable /dev/fuse,
// "gdb16" that of scripts/gdb16, "python3-psutil" that module of Debian's Python;
// every other name is a command.
func require(t testing.TB, things ...string) {
	t.Helper()
	for _, thing := range things {
		err := lookFor(thing)
		if err == nil {
			continue
		}
		if slices.Contains(strings.Split(os.Getenv("CKPTFS_REQUIRE"), ","), thing) {
			t.Fatalf("%s is required and missing: %v", thing, err)
		}
		t.Skipf("needs %s: %v", thing, err)
	}
}

func lookFor(thing string) error {
	switch thing {
	case "gdb16":
		_, err := gdb16()
		return err
	case "python3-psutil":
		return exec.Command("/usr/bin/python3", "-c", "import psutil").Run()
	case "fuse":
	default:
		_, err := exec.LookPath(thing)
		return err
	}
	if os.Geteuid() != 0 {
		if _, err := exec.LookPath("fusermount3"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
