package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/decoder"
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
// When the outer process ends, be it killed, the link to the init process is
// closed, and that ends too. With it the kernel kills, as with any PID 1, all
// processes of its namespace; the mounts go with the last. (The kernel itself
// would not tell the init process, PR_SET_PDEATHSIG: that would be a signal from
// a process that Landlock lets send none.)

// execute runs a command, which the init process finds in its arguments, and
// returns the exit status as an error.
func execute(from sources) error {
	var aid helper
	from.spoolFile = aid.spoolFile
	// It is not closed: the server may be at an answer until this process ends.
	ck, err := from.openOne()
	if err != nil {
		return err
	}
	ck.warn("exec")
	if len(ck.Processes) == 0 {
		return fmt.Errorf("%s: it has no processes", from.archive)
	}
	tty := openTerminal() // later this process may open nothing
	pid1, link, err := startInit(ck)
	if err != nil {
		return err
	}
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		state, err := pid1.Wait()
		if err != nil {
			panic(err) // nobody else waits for it
		}
		ended <- state.Sys().(syscall.WaitStatus)
	}()
	signals := make(chan os.Signal, 10)
	connection, err := connectProc(link, ck, from, &aid)
	if err == nil {
		// Until here, what ends or stops this process did so. From here on it is
		// the command's, for which the init process keeps it.
		watch(signals)
		// Or setting the terminal's process group from the background would stop
		// this process. Only now, for the command would inherit it.
		signal.Ignore(unix.SIGTTOU)
		err = serveProc(link, connection, ck, from, &aid)
	}
	if errors.Is(err, errLinkClosed) {
		if status := <-ended; status.Exited() {
			return childError(status.ExitStatus()) // it has said why
		}
		return err
	} else if err != nil {
		return err
	}
	stops, states := make(chan bool, 1), make(chan execState)
	go func() {
		defer close(states)
		for {
			m, _, err := link.receive()
			switch {
			case err != nil:
				return // the init process has ended
			case m.State != nil:
				states <- *m.State
			case len(stops) == 0: // or it is asked anyway
				stops <- true
			}
		}
	}()
	for {
		select {
		case s := <-signals:
			if !tty.mayHaveSent(s) {
				link.send(message{Signal: s.(syscall.Signal)})
			}
		case <-stops:
			// The shell may have continued it by now, and this process with it.
			link.send(message{Stopped: true})
			if state := <-states; state.Stopped {
				tty.stop(state.Owned)
				link.send(message{Signal: unix.SIGCONT})
			}
		case status := <-ended:
			tty.takeBack()
			if status.Signaled() {
				return childError(exitSignal + int(status.Signal()))
			}
			return childError(status.ExitStatus())
		}
	}
}

// connectProc tells the init process what it has to know, and takes from it
// the connection of the /proc that it mounts.
func connectProc(link *link, ck *checkpoint, from sources, aid *helper) (connection int, err error) {
	names := decoder.UTSNamespace{NodeName: noName, DomainName: noName}
	if len(ck.Processes) > 0 {
		if uts := ck.UTSOf(ck.Processes[0]); uts != nil {
			names = *uts
		}
	}
	setup := execSetup{
		FSName: from.archive, NodeName: utsName(names.NodeName), DomainName: utsName(names.DomainName),
		LastPID: ck.LastPID(), User: os.Geteuid() != 0,
	}
	link.send(message{Setup: &setup})
	if err := aid.accept(link); err != nil {
		return -1, err
	}
	return link.receiveFD()
}

// serveProc serves the checkpoint over the connection, and lets the init process
// go on. This process is restricted from then on, but not the init process, which
// was started before: it took the decoded checkpoint to know its namespaces.
func serveProc(link *link, connection int, ck *checkpoint, from sources, aid *helper) error {
	if err := restrict(from.directories()); err != nil {
		return err
	}
	if _, err := fusefs.Serve(connection, layout.Proc(ck.Checkpoint, layout.Options{}), fusefs.Options{LinkUse: aid.linkUse}); err != nil {
		return err
	}
	link.send(message{})
	return nil
}

// noName is the kernel's name of a host that has none
// (include/linux/uts.h:UTS_NODENAME).
const noName = "(none)"

// utsName is a name as long as the kernel takes it
// (include/uapi/linux/utsname.h:__NEW_UTS_LEN).
func utsName(name string) []byte { return []byte(name[:min(len(name), 64)]) }

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
