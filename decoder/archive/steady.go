package archive

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ErrChanged is the error of reading a file that is no longer as it was when
// it was opened: offsets that were taken then may lead to anything by now.
var ErrChanged = errors.New("the file was changed while it was in use")

// state is what tells that a file was written to or cut. Its owner, mode and
// names do not matter, and so its ctime does not either.
type state struct {
	size      int64
	sec, nsec int64 // mtime
}

func stateOf(st *unix.Stat_t) state { return state{st.Size, st.Mtim.Sec, st.Mtim.Nsec} }

// steadyFile is a file that is read as long as it stays as it was. It is safe
// for concurrent use.
type steadyFile struct {
	*os.File
	want state
}

// steady takes the state in which f is now for the one in which it must stay.
func steady(f *os.File) (*steadyFile, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	return &steadyFile{f, stateOf(&st)}, nil
}

// ReadAt looks at the file's state after it has read: bytes that were there
// while the state was the old one are the old ones.
func (s *steadyFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.File.ReadAt(p, off)
	if changed := s.check(); changed != nil {
		return 0, changed
	}
	return n, err
}

func (s *steadyFile) check() error {
	var st unix.Stat_t
	if err := unix.Fstat(int(s.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if stateOf(&st) != s.want {
		return ErrChanged
	}
	return nil
}
