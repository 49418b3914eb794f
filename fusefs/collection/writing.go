package collection

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// errWriting is the error of a file that somebody writes to.
var errWriting = errors.New("it is being written: look again when that is done")

// beingWritten tells whether a file is open for writing anywhere on this
// machine: only of one that is not would the kernel lease us the reading. The
// lease is given back at once. Where there are no leases, as on most network
// file systems or for the files of other users, the answer is no.
//
// Source: fcntl(2), F_SETLEASE; fs/locks.c:check_conflicting_open.
func beingWritten(f *os.File) bool {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		return false
	}
	return errors.Is(err, unix.EAGAIN)
}
