package archive

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// errInMemory says that a directory is no place for large files.
var errInMemory = errors.New("it is kept in memory")

// SpoolDir is the directory for the spool: the one that was asked for, or
// where the system has room for large temporary files. A file system that is
// kept in memory counts only when it was asked for: what is expanded there
// could take all of it.
//
// Source: file-hierarchy(7), /var/tmp/.
func SpoolDir(asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	const usual = "/var/tmp"
	if dir := os.Getenv("TMPDIR"); dir != "" && !inMemory(dir) {
		return dir, nil
	}
	if inMemory(usual) {
		return "", &SpoolError{usual, errInMemory}
	}
	return usual, nil
}

// inMemory tells whether a directory is on a file system without a disk:
// statfs(2), f_type.
func inMemory(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false // the error comes again, and says more
	}
	return st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC
}

// SpoolFile makes a file in a directory that is gone when it is closed.
func SpoolFile(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return f, err
	}
	// The file system does not know O_TMPFILE.
	f, err = os.CreateTemp(dir, "ckptfs-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// room is how many bytes can be written to the file system of a directory, and
// how many of them are to stay free: a full disk would harm the machine that
// the analysis runs on.
func room(dir string) (free, reserve int64) {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return math.MaxInt64, 0 // writing will tell
	}
	const most, share = 1 << 30, 20
	unit := st.Frsize
	return int64(st.Bavail) * unit, min(most, int64(st.Blocks)*unit/share)
}
