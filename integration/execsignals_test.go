package integration

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// started starts a command that says "ready" and waits, and returns when it
// has said so.
func started(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 6)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
		cmd.Process.Kill()
		t.Fatalf("%q, %v, want ready", line, err)
	}
}

// status waits for the end of a command and returns its exit status, -1 if a
// signal killed it.
func status(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	timer := time.AfterFunc(commandLimit, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// Signals to ckptfs are the command's.
func TestExecSignals(t *testing.T) {
	for _, row := range []struct {
		signal syscall.Signal
		script string
		want   int
	}{
		{syscall.SIGTERM, `echo ready; exec sleep 100`, 128 + 15},
		{syscall.SIGINT, `echo ready; exec sleep 100`, 128 + 2},
		{syscall.SIGHUP, `echo ready; exec sleep 100`, 128 + 1},
		{syscall.SIGUSR1, `trap 'exit 9' USR1; echo ready; while :; do sleep 0.1; done`, 9},
		{syscall.SIGTERM, `trap '' TERM; echo ready; sleep 0.5; exit 3`, 3},
	} {
		cmd := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "bash", "-c", row.script)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // or the terminal of the test might have sent SIGINT
		started(t, cmd)
		cmd.Process.Signal(row.signal)
		if got := status(t, cmd); got != row.want {
			t.Errorf("%v to %s: exit status %d, want %d", row.signal, row.script, got, row.want)
		}
	}
}

// Nothing stays behind, whoever is killed: the test's cleanup looks for it.
func TestExecKilled(t *testing.T) {
	const script = `sleep 1000 & setsid sleep 1000 & cat /proc/1/comm >/dev/null; echo ready; sleep 1000`
	outer := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "bash", "-c", script)
	started(t, outer)
	outer.Process.Kill()
	if got := status(t, outer); got != -1 {
		t.Errorf("ckptfs killed: exit status %d", got)
	}
	// Its only child is the init process of the namespaces.
	for _, which := range []string{"init", "command"} {
		cmd := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "bash", "-c", script)
		started(t, cmd)
		victim := child(t, cmd.Process.Pid)
		if which == "command" {
			victim = child(t, victim)
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if got := status(t, cmd); got != 128+9 {
			t.Errorf("%s killed: exit status %d, want 137", which, got)
		}
	}
}

// child is the first child of a process.
func child(t *testing.T, pid int) int {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		var first int
		if n, _ := fmt.Sscan(read(t, f), &first); n == 1 {
			return first
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}
