package fusefs

import (
	"errors"
	"syscall"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// All error numbers that the file system ever answers with.
const (
	ok                = syscall.Errno(0)
	errNotImplemented = syscall.ENOSYS  // the kernel remembers it and asks no more
	errNoXattr        = syscall.ENODATA // getxattr(2)
	errNoXattrs       = syscall.EOPNOTSUPP
	errBufferTooSmall = syscall.ERANGE // getxattr(2), listxattr(2)
	errNoSuchOffset   = syscall.ENXIO  // lseek(2)
	errNameTooLong    = syscall.ENAMETOOLONG
	errShort          = syscall.EIO   // a content ends before its size
	errInterrupted    = syscall.EINTR // whoever asked has stopped waiting
)

// errno is the error number for an error from the tree. Whatever goes wrong
// in reading an archive is an I/O error to those who read the mount.
func errno(err error) syscall.Errno {
	switch {
	case err == nil:
		return ok
	case errors.Is(err, tree.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, tree.ErrStale):
		return syscall.ESTALE // the kernel walks the path once more, and asks for every name anew
	default:
		return syscall.EIO
	}
}
