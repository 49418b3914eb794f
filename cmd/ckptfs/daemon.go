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
// the mount is ready: the keeper of a mount (keeper.go), with its server. Until
// then they stay in the process group of the terminal and keep standard error:
// they show the progress, say themselves what went wrong, and Ctrl-C reaches
// them.
const (
	daemonEnv = "CKPTFS_DAEMON" // set for the daemon
	readyFD   = 3               // the keeper's end of the pipe
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
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	signals := notify()
	daemon, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Env:   append(os.Environ(), daemonEnv+"=1"),
		Files: []*os.File{null, null, os.Stderr, theirs},
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

// detach turns this process into a daemon: it leaves the terminal, the working
// directory, and standard error.
func detach() error {
	if _, err := unix.Setsid(); err != nil {
		return os.NewSyscallError("setsid", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return os.NewSyscallError("dup3", unix.Dup3(unix.Stdout, unix.Stderr, 0)) // from /dev/null
}

// detachAndReport detaches this process and reports that the mount is ready.
// If nobody is there to hear it, the mount is not wanted any more.
func detachAndReport() error {
	if err := detach(); err != nil {
		return err
	}
	report := os.NewFile(readyFD, "ready")
	defer report.Close()
	_, err := report.Write([]byte{1})
	return err
}

// takeName gives this process the name by which ps(1) and pkill(1) know the
// program; started through /proc/self/exe, it is "exe".
func takeName() { _ = os.WriteFile("/proc/self/comm", []byte("ckptfs"), 0) }
