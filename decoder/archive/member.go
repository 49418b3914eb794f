package archive

import (
	"errors"
	"io"
	"time"
)

// Type tells the kinds of members apart.
type Type uint8

// The types of members. A hard link has the type of what it links to.
const (
	TypeRegular Type = iota
	TypeDirectory
	TypeSymlink
	TypeFIFO
	TypeSocket
	TypeChar
	TypeBlock
)

// Member is an entry of an archive. A regular one has bytes, read with the
// methods of [io.ReaderAt] and with lseek(2)'s notion of data and holes; it
// is safe for concurrent use.
type Member struct {
	// Name is slash-separated. No component is empty, "." or ".."; any byte
	// but NUL may occur.
	Name       string
	Type       Type
	Perm       uint32 // 07777
	UID, GID   uint32
	ModTime    time.Time
	AccessTime time.Time // zero where not recorded
	ChangeTime time.Time // zero where not recorded
	Target     string    // of a symbolic link, as recorded
	Major      uint32    // of a device
	Minor      uint32
	Xattrs     map[string]string // extended attributes; nil for none
	LinkName   string            // of a hard link: the first name of the file
	Nlink      uint32            // names of the file in the archive

	size int64
	body body // nil where there are no bytes
}

// body is where a member's bytes are. Offsets lie in [0, size).
type body interface {
	io.ReaderAt
	extents
}

// extents is lseek(2) for offsets in [0, size): io.EOF stands for no more
// data, and the size for no more holes.
type extents interface {
	nextData(off int64) (int64, error)
	nextHole(off int64) (int64, error)
	dataSize() int64
}

// Size is the number of bytes, holes included.
func (m *Member) Size() int64 { return m.size }

// ReadAt reads len(p) bytes from the offset off on, as [io.ReaderAt] has it.
// Where the archive ends before the member does, the error is a
// [*MemberError] with io.ErrUnexpectedEOF.
func (m *Member) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, &MemberError{m.Name, off, errors.New("negative offset")}
	}
	if off >= m.size {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	part := p[:min(int64(len(p)), m.size-off)]
	n, err := m.body.ReadAt(part, off)
	switch {
	case n < len(part):
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, &MemberError{m.Name, off + int64(n), err}
	case n < len(p):
		return n, io.EOF
	default:
		return n, nil
	}
}

// NextData is the first offset from off on that is not in a hole. The error
// is io.EOF where there is none.
func (m *Member) NextData(off int64) (int64, error) {
	if off < 0 || off >= m.size {
		return 0, io.EOF
	}
	return m.body.nextData(off)
}

// NextHole is the first offset from off on that is in a hole; the end counts
// as one. The error is io.EOF where off is not in the member.
func (m *Member) NextHole(off int64) (int64, error) {
	if off < 0 || off >= m.size {
		return 0, io.EOF
	}
	return m.body.nextHole(off)
}

// DataSize is the number of bytes that are not in holes.
func (m *Member) DataSize() int64 {
	if m.body == nil {
		return 0
	}
	return m.body.dataSize()
}

// section is a body that lies in one piece at an offset of the archive.
type section struct {
	r         io.ReaderAt
	off, size int64
}

func (s *section) ReadAt(p []byte, off int64) (int, error) { return s.r.ReadAt(p, s.off+off) }
func (s *section) nextData(off int64) (int64, error)       { return off, nil }
func (s *section) nextHole(int64) (int64, error)           { return s.size, nil }
func (s *section) dataSize() int64                         { return s.size }
