// Package tree defines the elements of the mounted tree: directories, files
// with their content, links, and what stat(2) says of them. It knows nothing
// of FUSE and nothing of checkpoints, so that the same tree can be mounted,
// listed, exported and tested.
//
// Every node and every content is immutable and safe for concurrent use. The
// exceptions are marked: a [Volatile] file, which grows while the tree is in
// use, and a [Live] directory, whose entries come and go; what one finds there
// is immutable again, but can be a [Session], which ends.
//
// io/fs does not serve here: it has no owners, inode numbers, device numbers,
// holes or extended attributes, and refuses names that are not UTF-8.
package tree

import (
	"errors"
	"io"
	"time"
)

// ErrNotExist is what [Dir.Lookup] returns for a name that is not there.
var ErrNotExist = errors.New("no such entry")

// Attr is what stat(2) shows of a node beyond its type, size and inode
// number.
type Attr struct {
	Perm     uint32 // permission, set-id and sticky bits: 07777
	UID, GID uint32
	Nlink    uint32 // 0 stands for 1
	Unlinked bool   // st_nlink is 0, whatever Nlink says: a file that was open, and deleted
	// MTime, ATime and CTime; the zero time in the latter two stands for MTime.
	MTime, ATime, CTime time.Time
	// Ino is the inode number; 0: it comes from the path.
	Ino uint64
	// InodePath is the path whose inode number the node has: that of the
	// first name of a file with several hard links. Empty: the node's own.
	InodePath string
	Xattrs    map[string]string // extended attributes; nil for none
	// NoXattrs says that the node is of a kind that has no others, as files of
	// /proc are: ls(1) then does not ask for those of every file that it lists.
	NoXattrs bool
}

// Node is an element of the tree. It is one of [Dir], [File], [Symlink] and
// [Special].
type Node interface {
	Attr() Attr
}

// Entry is a name in a directory.
type Entry struct {
	Name string // no "/", not "." or "..", not empty; any other byte may occur
	Node Node
}

// Dir is a directory.
type Dir interface {
	Node
	// Entries lists the directory in the order in which readdir(3) shows it.
	// The caller must not change the slice.
	Entries() ([]Entry, error)
	// Lookup is the node of one name; the error is [ErrNotExist] where there
	// is none.
	Lookup(name string) (Node, error)
}

// File is a regular file.
type File interface {
	Node
	// Content opens the file. It may decode or render, and is called at most
	// once for a stat and once for an open; it reads no bulk data.
	Content() (Content, error)
}

// Symlink is a symbolic link.
type Symlink interface {
	Node
	Target() string
}

// Special is a FIFO, a socket or a device.
type Special interface {
	Node
	// Special is the type as in st_mode (unix.S_IFIFO, S_IFSOCK, S_IFCHR or
	// S_IFBLK) and the device number.
	Special() (mode uint32, major, minor uint32)
}

// Content is the bytes of a file. ReadAt behaves as [io.ReaderAt] demands:
// fewer bytes than asked for come only with an error, io.EOF at the end.
type Content interface {
	io.ReaderAt
	Size() int64 // bytes; costs no I/O
}

// Extents is what a [Content] with holes implements beside it.
type Extents interface {
	// NextData is the first offset at or after off at which there is data,
	// NextHole the first that lies in a hole; the end of the content counts
	// as a hole. Both return io.EOF where off is at or past the end, NextData
	// also where no data follows (lseek(2), SEEK_DATA and SEEK_HOLE).
	NextData(off int64) (int64, error)
	NextHole(off int64) (int64, error)
	// DataSize is the number of bytes that are not in holes.
	DataSize() int64
}

// Memory marks a [Content] that is addressed rather than sized, as
// /proc/pid/mem is: stat shows size 0, reads go to ReadAt unclipped and past
// the page cache, and a read that meets an error gives the bytes before it.
type Memory interface {
	Content
	Memory()
}

// Volatile marks a [File] whose content may be another at the next open. It
// is opened anew each time and never cached.
type Volatile interface {
	File
	Volatile()
}

// MagicLink marks a [Symlink] that may show another text than the path that it
// leads to, as the links in /proc/pid do.
type MagicLink interface {
	Symlink
	// Text is what readlink(2) gives.
	Text() string
	// Object is where it leads for stat(2): to what the target stands for,
	// such as the pipe of which the target has the bytes.
	Object() string
}

// Personal marks a [Dir] in which a process finds names that are not listed
// and that others do not find.
type Personal interface {
	Dir
	// LookupAs is the node of a name that Lookup does not have, for the
	// process of that PID; the error is [ErrNotExist] where it is not there
	// for that process.
	LookupAs(pid int, name string) (Node, error)
}
