package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// execMessage is what the outer process and the init process tell each other:
// Setup, then two file descriptors back, then Served; after that Signal in one
// direction and Stopped in the other.
type execMessage struct {
	Setup   *execSetup     `json:",omitempty"`
	Served  bool           `json:",omitempty"` // /proc can be used
	Signal  syscall.Signal `json:",omitempty"` // the command is to get it
	Stopped bool           `json:",omitempty"` // the command has stopped
}

// execSetup is what the init process has to know.
type execSetup struct {
	FSName               string // the source of the mount
	NodeName, DomainName string
	LastPID              int  // the greatest one of the checkpoint
	User                 bool // the namespaces are in a user namespace
}

// execLink is a socket that keeps messages apart.
type execLink struct{ socket int }

// errLinkClosed says that the other process has ended.
var errLinkClosed = errors.New("the init process has ended")

// maxMessage bounds a message in bytes.
const maxMessage = 64 << 10

// newExecLink makes a link. The init process inherits its own end.
func newExecLink() (ours *execLink, theirs int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		return nil, 0, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(pair[0])
	return &execLink{pair[0]}, pair[1], nil
}

// execEnv tells the init process the number of its end of the link.
const execEnv = "CKPTFS_EXEC"

// outerLink is the link to the outer process; nil in the outer process itself.
func outerLink() *execLink {
	socket, err := strconv.Atoi(os.Getenv(execEnv))
	if err != nil {
		return nil
	}
	_ = os.Unsetenv(execEnv) // it is no variable of the command, and cannot fail
	unix.CloseOnExec(socket)
	return &execLink{socket}
}

// send sends a message, with file descriptors. An error is not returned: if
// the other process has ended, the kernel sees to what follows.
func (l *execLink) send(m execMessage, fds ...int) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // it is of plain types
	}
	_ = unix.Sendmsg(l.socket, b, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
}

// receive waits for a message.
func (l *execLink) receive() (m execMessage, fds []int, err error) {
	b, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(2*4))
	n, oobn, err := 0, 0, unix.EINTR
	for errors.Is(err, unix.EINTR) {
		n, oobn, _, _, err = unix.Recvmsg(l.socket, b, oob, unix.MSG_CMSG_CLOEXEC)
	}
	if n == 0 || err != nil {
		return m, nil, errLinkClosed
	}
	if err := json.Unmarshal(b[:n], &m); err != nil {
		return m, nil, fmt.Errorf("message: %w", err)
	}
	if oobn > 0 {
		controls, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return m, nil, os.NewSyscallError("recvmsg", err)
		}
		if fds, err = unix.ParseUnixRights(&controls[0]); err != nil {
			return m, nil, os.NewSyscallError("recvmsg", err)
		}
	}
	return m, fds, nil
}
