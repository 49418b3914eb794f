package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// The daemon is this program, run again with a pipe on which it reports that
// the mount is ready. Until then it stays in the process group of the
// terminal and keeps standard error: it shows the progress, says itself what
// went wrong, and Ctrl-C reaches it.
const (
	daemonEnv = "CKPTFS_DAEMON" // set for the daemon
	readyFD   = 3               // its end of the pipe
)

func isDaemon() bool { return os.Getenv(daemonEnv) != "" }

// A childError is the exit status of a daemon that has said itself what went
// wrong.
type childError int

func (e childError) Error() string { return fmt.Sprintf("daemon: exit status %d", int(e)) }

// startDaemon starts the daemon and waits until it is ready or has ended. A
// signal that comes meanwhile ends both.
func startDaemon() error {
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	// What a shell has open here, a lock or a pipe that someone waits on,
	// must not stay open in the daemon.
	if err := unix.CloseRange(readyFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return os.NewSyscallError("close_range", err)
	}
	signals := notify()
	daemon, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Env:   append(os.Environ(), daemonEnv+"=1"),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, theirs},
	})
	theirs.Close()
	if err != nil {
		return err
	}
	reported := make(chan bool, 1)
	go func() {
		n, _ := ready.Read(make([]byte, 1)) // nothing comes if the daemon ends
		reported <- n == 1
	}()
	select {
	case isReady := <-reported:
		if isReady {
			return nil
		}
	case <-signals:
		// SIGTERM, for a shell's background jobs ignore SIGINT.
		_ = daemon.Signal(unix.SIGTERM) // it may have ended by itself
	}
	state, err := daemon.Wait()
	if err != nil {
		return err
	}
	return outcome(state.Sys().(syscall.WaitStatus))
}

// outcome is the error of a daemon that has ended before it was of use.
func outcome(status syscall.WaitStatus) error {
	switch {
	case status.Signal() == unix.SIGKILL:
		return errors.New("the daemon was killed")
	case status.Signaled(), status.ExitStatus() == exitDone: // the latter if a signal came when it was ready
		return errInterrupted
	default:
		return childError(status.ExitStatus())
	}
}

// detachAndReport turns this process into a daemon and reports that the mount
// is ready. If nobody is there to hear it, the mount is not wanted any more.
func detachAndReport() error {
	if _, err := unix.Setsid(); err != nil {
		return os.NewSyscallError("setsid", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	_ = os.WriteFile("/proc/self/comm", []byte("ckptfs"), 0) // else ps and pkill know it as "exe"
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	report := os.NewFile(readyFD, "ready")
	defer report.Close()
	_, err = report.Write([]byte{1})
	return err
}
