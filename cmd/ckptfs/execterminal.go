package main

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal of the outer process; nil for none.
//
// The outer process shares its process group with the command, unless that is
// a shell, which makes one of its own and takes the terminal for it.
type terminal struct{ file *os.File }

func openTerminal() *terminal {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	return &terminal{file}
}

// foreground is the process group that has the terminal; 0 if that is not
// known.
func (t *terminal) foreground() int {
	if t == nil {
		return 0
	}
	group, err := unix.IoctlGetInt(int(t.file.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return group
}

// mayHaveSent tells whether a signal to this process comes from the terminal,
// as far as can be known. It has then reached the command too. One that stops
// always counts as such: by the time that this process gets to it, the shell may
// have continued the command in the background.
func (t *terminal) mayHaveSent(s os.Signal) bool {
	switch s {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return true
	case unix.SIGINT, unix.SIGQUIT:
		return t.foreground() == unix.Getpgrp()
	default:
		return false
	}
}

// give gives the terminal to a process group. If that fails, it has gone.
func (t *terminal) give(group int) {
	_ = unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TIOCSPGRP, group)
}

// stop stops this process, as its command has stopped, and returns when the
// shell continues it. If the terminal was owned by a process group of the
// command, that then has it again.
func (t *terminal) stop(owned bool) {
	had := t.foreground()
	// What a thread sends itself it gets before the call returns. To wait for
	// SIGCONT would not do: the kernel drops that when the command, continued
	// first, makes the terminal send SIGTTOU to them all.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
	if owned && t.foreground() == unix.Getpgrp() {
		t.give(had)
	}
}

// takeBack takes the terminal back from a process group that has ended with
// the command.
func (t *terminal) takeBack() {
	if group := t.foreground(); group > 0 && errors.Is(unix.Kill(-group, 0), unix.ESRCH) {
		t.give(unix.Getpgrp())
	}
}
