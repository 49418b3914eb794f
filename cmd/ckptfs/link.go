package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
)

// message is what the processes of a mount or of exec tell each other. The
// fields are those of one kind of message each; a message without any goes on
// to the next step.
type message struct {
	// Of exec's outer process and its init process.
	Setup   *execSetup     `json:",omitempty"`
	Signal  syscall.Signal `json:",omitempty"` // the command is to get it
	Stopped bool           `json:",omitempty"` // the command has stopped; to the init process: is it still?
	State   *execState     `json:",omitempty"` // the answer

	// Of a helper: what it is asked, and what it answers.
	NewSpoolFile bool           `json:",omitempty"` // and it comes with the answer
	LinkOf       int            `json:",omitempty"` // a thread
	LinkUse      fusefs.LinkUse `json:",omitempty"` // what it does with a link
	Error        string         `json:",omitempty"`
}

// execSetup is what the init process has to know.
type execSetup struct {
	FSName               string // the source of the mount
	NodeName, DomainName []byte // which need not be UTF-8
	LastPID              int    // the greatest one of the checkpoint
	User                 bool   // the namespaces are in a user namespace
}

// execState is the state of the command.
type execState struct {
	Stopped bool
	Owned   bool // a process group of its namespace has the terminal
}

// link is a socket that keeps messages apart.
type link struct{ socket int }

// errLinkClosed says that the other process has ended.
var errLinkClosed = errors.New("the process at the other end has ended")

// maxMessage bounds a message in bytes.
const maxMessage = 64 << 10

// newLink makes a link. Its other end is for another process.
func newLink() (ours *link, theirs int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, os.NewSyscallError("socketpair", err)
	}
	return &link{pair[0]}, pair[1], nil
}

// startLinked starts this program with the same arguments, and a link to it
// of which an environment variable tells it the number.
func startLinked(env string, attr *os.ProcAttr) (*os.Process, *link, error) {
	ours, theirs, err := newLink()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = unix.Close(theirs) }()
	// The number is a free one: what the caller has open stays where it is.
	if _, err := unix.FcntlInt(uintptr(theirs), unix.F_SETFD, 0); err != nil {
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	attr.Env = append(os.Environ(), fmt.Sprintf("%s=%d", env, theirs))
	process, err := os.StartProcess("/proc/self/exe", os.Args, attr)
	return process, ours, err
}

// inheritedLink is the link that startLinked gave this process; nil for none.
func inheritedLink(env string) *link {
	socket, err := strconv.Atoi(os.Getenv(env))
	if err != nil {
		return nil
	}
	_ = os.Unsetenv(env) // it is no variable of what this process starts
	unix.CloseOnExec(socket)
	return &link{socket}
}

// send sends a message, with file descriptors. An error is not returned: if
// the other process has ended, the kernel sees to what follows.
func (l *link) send(m message, fds ...int) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // it is of plain types
	}
	_ = unix.Sendmsg(l.socket, b, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
}

// sendFD gives a file descriptor away: this process keeps no copy. Of a
// connection it must not, or who asks for something in a mount whose server was
// killed would wait for an answer.
func (l *link) sendFD(fd int) error {
	l.send(message{}, fd)
	return os.NewSyscallError("close", unix.Close(fd))
}

// receive waits for a message. If no file descriptor came with it, fd is
// negative.
func (l *link) receive() (m message, fd int, err error) {
	b, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	n, oobn, err := 0, 0, unix.EINTR
	for errors.Is(err, unix.EINTR) {
		n, oobn, _, _, err = unix.Recvmsg(l.socket, b, oob, unix.MSG_CMSG_CLOEXEC)
	}
	if n == 0 || err != nil {
		return m, -1, errLinkClosed
	}
	if err := json.Unmarshal(b[:n], &m); err != nil {
		return m, -1, fmt.Errorf("message: %w", err)
	}
	if oobn == 0 {
		return m, -1, nil
	}
	controls, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return m, -1, os.NewSyscallError("recvmsg", err)
	}
	fds, err := unix.ParseUnixRights(&controls[0])
	if err != nil {
		return m, -1, os.NewSyscallError("recvmsg", err)
	}
	return m, fds[0], nil
}

// receiveFD waits for a file descriptor.
func (l *link) receiveFD() (fd int, err error) {
	_, fd, err = l.receive()
	if err == nil && fd < 0 {
		err = errors.New("message: no file descriptor")
	}
	return fd, err
}
