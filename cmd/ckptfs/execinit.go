package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
	"github.com/ckptfs/ckptfs/fusefs/layout"
)

// runInit is the init process: PID 1 of the command's namespaces. It returns
// the command's exit status as an error.
func runInit(outer *link, spoolDir, program string, argv []string) error {
	// What the terminal sends to the process group, the command gets itself,
	// and the outer process passes on what it alone gets. Until there is a
	// command, what it would get is kept.
	early := make(chan os.Signal, 10)
	watch(early)
	var proc threads
	m, _, err := outer.receive()
	if err == nil {
		proc, err = mountProc(m.Setup.User)
	}
	if err == nil {
		err = prepare(outer, spoolDir, proc, *m.Setup)
	}
	if errors.Is(err, errLinkClosed) {
		return childError(exitUnusable) // the outer process has said why
	} else if err != nil {
		return err
	}
	// Rights that prepare needed; of this thread, which starts the command.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	command, err := syscall.ForkExec(program, argv, &syscall.ProcAttr{Env: commandEnv(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return commandError(argv[0], err)
	}
	go passOn(early, command)
	go func() {
		for {
			m, _, err := outer.receive()
			switch {
			case err != nil:
				os.Exit(exitUnusable) // nobody serves /proc any more
			case m.Stopped:
				// Of a process group outside the namespace the kernel says 0.
				outer.send(message{State: &execState{Stopped: proc.stopped(command), Owned: openTerminal().foreground() > 0}})
			default:
				_ = unix.Kill(command, m.Signal) // it may have ended
			}
		}
	}()
	return reap(outer, command)
}

// passOn gives the command the signals that came before it was there. They may
// be seen here a little later than they came: what comes in the command's first
// moments it rather gets twice than not at all.
func passOn(early <-chan os.Signal, command int) {
	moments := time.After(200 * time.Millisecond)
	for {
		select {
		case s := <-early:
			_ = unix.Kill(command, s.(syscall.Signal)) // it may have ended
		case <-moments:
			return
		}
	}
}

// commandEnv is the environment of the command: the caller's, and where that
// does not set it PROC_ROOT, which makes ss(8) read /proc/net. Otherwise it asks
// the kernel, and shows that the command's own, empty network has no sockets.
//
// Source: iproute2, misc/ss.c:generic_proc_open, tcp_show.
func commandEnv() []string {
	const procRoot = "PROC_ROOT"
	if _, is := os.LookupEnv(procRoot); is {
		return os.Environ()
	}
	return append(os.Environ(), procRoot+"=/proc")
}

// mountProc mounts the /proc of the new PID namespace. This process keeps it:
// it tells what a thread is at.
func mountProc(user bool) (threads, error) {
	// Mounts of this namespace must not get out. Those of the outside may get
	// in, or what is unmounted there would stay in use here.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return noThreads, namespaceError(err, user)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return noThreads, namespaceError(err, user)
	}
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return noThreads, &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	return threads(proc), nil
}

// prepare makes the command's surroundings.
func prepare(outer *link, spoolDir string, proc threads, setup execSetup) error {
	// Tools leave themselves out, and take a process of the checkpoint for
	// themselves that has their PID.
	if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(setup.LastPID)), 0); err != nil {
		fmt.Fprintf(os.Stderr, "ckptfs: exec: warning: the command may have the PID of a process of the checkpoint, which tools then leave out: %v\n", err)
	}
	// All users that the command may become may read the mount: nobody else
	// can reach it.
	connection, err := fusefs.Attach("/proc", fusefs.MountOptions{AllowOther: true, FSName: setup.FSName})
	if err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := errors.Join(outer.offerHelp(spoolDir, proc), outer.sendFD(connection)); err != nil {
		return err
	}
	if _, _, err := outer.receive(); err != nil { // that it is served
		return err
	}
	if err := unix.Sethostname(setup.NodeName); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	if err := unix.Setdomainname(setup.DomainName); err != nil {
		return os.NewSyscallError("setdomainname", err)
	}
	return cover()
}

// cover mounts over the files of this machine by which tools would give names
// to what is of the checkpoint. Those that are not there need none.
func cover() error {
	for name, path := range layout.Covers {
		err := unix.Mount(layout.CoversDir+"/"+name, path, "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("%s: %w", path, os.NewSyscallError("mount", err))
		}
	}
	return nil
}

// reap waits for the command, and for what it leaves behind, as the first
// process of a PID namespace must.
func reap(outer *link, command int) error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("wait4", err)
		case pid != command:
		case status.Stopped():
			outer.send(message{Stopped: true})
		case status.Signaled():
			return childError(exitSignal + int(status.Signal()))
		default:
			return childError(status.ExitStatus())
		}
	}
}
