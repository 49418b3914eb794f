package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
	"github.com/ckptfs/ckptfs/fusefs/layout"
)

// A command runs in three processes. The outer one is that which was called:
// it stays in the namespaces of its caller and serves /proc. It starts the
// init process, PID 1 of the new namespaces, which mounts /proc, hands the
// connection to the outer one, runs the command, and ends with it. All three
// are in one process group, so that the terminal's signals reach the command
// as if the caller had started it, and a pipeline around it is undisturbed.
//
// The kernel kills the init process when the outer one ends, and with it, as
// with any PID 1, all processes of its namespace; the mounts go with the last.

// execute runs a command, which the init process finds in its arguments, and
// returns the exit status as an error.
func execute(from sources) error {
	ck, err := from.open()
	if err != nil {
		return err
	}
	defer ck.Close()
	// The thread that starts the init process must live as long as this
	// process, for the kernel takes its end for that of the parent.
	runtime.LockOSThread()
	tty := openTerminal()
	signals := make(chan os.Signal, 10)
	pid1, link, err := startInit(ck)
	if err != nil {
		return err
	}
	watch(signals)
	// Or setting the terminal's process group from the background would stop
	// this process. Only now, for the command would inherit it.
	signal.Ignore(unix.SIGTTOU)
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		state, err := pid1.Wait()
		if err != nil {
			panic(err) // nobody else waits for it
		}
		ended <- state.Sys().(syscall.WaitStatus)
	}()
	if err := serveProc(link, ck, from.archive); err != nil {
		_ = pid1.Kill() // it may have ended by itself
		if status := <-ended; errors.Is(err, errLinkClosed) && status.Exited() {
			return childError(status.ExitStatus()) // it has said why
		}
		return err
	}
	stops := make(chan struct{})
	go func() {
		for {
			if m, _, err := link.receive(); err != nil {
				return // the init process has ended
			} else if m.Stopped {
				stops <- struct{}{}
			}
		}
	}()
	for {
		select {
		case s := <-signals:
			if !tty.mayHaveSent(s) {
				link.send(execMessage{Signal: s.(syscall.Signal)})
			}
		case <-stops:
			tty.stop(pid1)
			link.send(execMessage{Signal: unix.SIGCONT})
		case status := <-ended:
			tty.takeBack()
			if status.Signaled() {
				return childError(exitSignal + int(status.Signal()))
			}
			return childError(status.ExitStatus())
		}
	}
}

// serveProc serves the checkpoint over the connection that the init process
// makes, and lets that go on.
func serveProc(link *execLink, ck *checkpoint, archive string) error {
	setup := execSetup{FSName: archive, NodeName: noName, DomainName: noName, LastPID: ck.LastPID(), User: os.Geteuid() != 0}
	if len(ck.Processes) > 0 {
		if uts := ck.UTSOf(ck.Processes[0]); uts != nil {
			setup.NodeName, setup.DomainName = uts.NodeName, uts.DomainName
		}
	}
	link.send(execMessage{Setup: &setup})
	_, fds, err := link.receive()
	if err != nil {
		return err
	}
	if len(fds) != 2 {
		return fmt.Errorf("%d file descriptors from the init process, want 2", len(fds))
	}
	_, err = fusefs.Serve(fds[0], layout.Proc(ck.Checkpoint, layout.Options{}), fusefs.Options{ReadsLink: threads(fds[1]).readLink})
	if err != nil {
		return err
	}
	link.send(execMessage{Served: true})
	return nil
}

// noName is the kernel's name of a host that has none
// (include/linux/uts.h:UTS_NODENAME).
const noName = "(none)"

// watch delivers the signals that are the command's to c, but for those that
// the caller wants ignored.
func watch(c chan<- os.Signal) {
	for _, s := range []os.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU,
	} {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
}
