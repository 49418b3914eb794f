package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// A mount is served by two processes, for one that is restricted (restrict.go)
// may not unmount, nor may anything that it starts. The server reads the
// archive and answers the kernel. The keeper, its parent, makes the mount,
// gives the server the connection, waits for signals, and takes the mount away:
// also when the server was killed. It never reads the archive. When the keeper
// ends the kernel kills the server; if it was killed itself, a dead mount is
// left for ckptfs umount.

// serverEnv tells the server its link to the keeper.
const serverEnv = "CKPTFS_SERVER"

// A server is the process that serves a mount, as its keeper sees it.
type server struct {
	*link
	ended  chan struct{} // closed when it has ended, with
	status syscall.WaitStatus
}

// startServer starts the server. It keeps standard error, on which it shows the
// progress and says itself what goes wrong.
func startServer() (*server, error) {
	// What whoever called us has open is none of the server's business.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("close_range", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	process, link, err := startLinked(serverEnv, &os.ProcAttr{
		Files: []*os.File{null, null, os.Stderr},
		Sys:   &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL},
	})
	if err != nil {
		return nil, err
	}
	s := &server{link: link, ended: make(chan struct{})}
	go func() {
		state, err := process.Wait()
		if err != nil {
			panic(err) // nobody else waits for it
		}
		s.status = state.Sys().(syscall.WaitStatus)
		close(s.ended)
	}()
	return s, nil
}

// next waits for the server's next message.
func (s *server) next() error {
	_, _, err := s.receive()
	if errors.Is(err, errLinkClosed) {
		return s.outcome()
	}
	return err
}

// outcome waits for the server's end, and is the error of it.
func (s *server) outcome() error {
	<-s.ended
	return outcome(s.status)
}

var errInterrupted = errors.New("interrupted")

// keep mounts, calls ready if somebody waits for it, and keeps the mount until
// it is taken away or a signal comes. When it returns there is no mount.
func (m *mount) keep(ready func() error) error {
	// The thread that starts the server must live as long as this process,
	// for the kernel takes its end for that of the parent.
	runtime.LockOSThread()
	server, err := startServer()
	if err != nil {
		return err
	}
	if err := server.offerHelp(m.spoolDir, noThreads); err != nil {
		return err
	}
	// While the archive is read a signal just ends this process, which leaves
	// nothing behind; from notify on it unmounts.
	if err := server.next(); err != nil {
		return err
	}
	signals := notify()
	connection, err := fusefs.Mount(m.point, fusefs.MountOptions{
		AllowOther:  m.options.allowOther,
		NoSymFollow: m.options.rawLinks,
		FSName:      m.archive,
	})
	if err != nil {
		return m.named(err)
	}
	err = m.start(server, connection)
	if err == nil && ready != nil {
		if err = errInterrupted; len(signals) == 0 {
			err = ready()
		}
	}
	if err != nil {
		return errors.Join(err, m.leave(server))
	}
	select {
	case <-signals:
		return m.leave(server)
	case <-server.ended:
		if server.status == 0 { // somebody took the mount away
			return nil
		}
		return errors.Join(server.outcome(), m.leave(server))
	}
}

// start has the mount served.
func (m *mount) start(server *server, connection int) error {
	if err := server.sendFD(connection); err != nil {
		return err
	}
	if err := server.next(); err != nil {
		return err
	}
	fusefs.EnlargeReadahead(m.point)
	return nil
}

// leave unmounts and waits until nothing is served any more. A busy mount is
// detached: whoever still has files open there gets errors once this process,
// and with it the server, has ended, but no dead mount stays.
func (m *mount) leave(server *server) error {
	err := fusefs.Unmount(m.point, false)
	if errors.Is(err, fusefs.ErrBusy) {
		fmt.Fprintf(os.Stderr, "ckptfs: mount: %s: busy; detached it, what is open there is cut off\n", escape.String(m.point))
		return m.named(fusefs.Unmount(m.point, true))
	}
	if err == nil {
		<-server.ended
	}
	return m.named(err)
}

// named puts the mount point before an error.
func (m *mount) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", m.point, err)
}

// notify catches the signals that end a mount; not SIGHUP if whoever started
// us wants it ignored, as nohup(1) does.
func notify() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGINT, unix.SIGTERM)
	if !signal.Ignored(unix.SIGHUP) {
		signal.Notify(c, unix.SIGHUP)
	}
	return c
}
