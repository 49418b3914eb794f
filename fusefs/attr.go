package fusefs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

const (
	blockSize = 4096 // bytes
	// statBlock is the unit of st_blocks: stat(2).
	statBlock = 512

	// keep is how long the kernel may keep names and attributes.
	keep = time.Hour
)

// attrTimeout is how long the kernel may keep the attributes of a node.
func attrTimeout(n tree.Node) time.Duration {
	switch n.(type) {
	case tree.Volatile, tree.Live, tree.Session:
		return 0
	default:
		return keep
	}
}

// attrOf is what stat(2) shows of a node, but for its inode number. Open is
// the content of a handle on it, which goes before what a new one would have:
// a volatile file must not be longer than what its reader will get. It may be
// nil.
func attrOf(n tree.Node, open tree.Content) fuse.Attr {
	a := n.Attr()
	attr := fuse.Attr{
		Mode:    a.Perm | typeOf(n),
		Nlink:   max(1, a.Nlink),
		Owner:   fuse.Owner{Uid: a.UID, Gid: a.GID},
		Blksize: blockSize,
	}
	if a.Unlinked {
		attr.Nlink = 0
	}
	setTimes(&attr, a)
	switch n := n.(type) {
	case tree.File:
		attr.Size, attr.Blocks = extentOf(n, open)
	case tree.MagicLink:
		attr.Size = uint64(len(n.Text()))
	case tree.Symlink:
		attr.Size = uint64(len(n.Target()))
	case tree.Special:
		_, major, minor := n.Special()
		attr.Rdev = uint32(unix.Mkdev(major, minor))
	}
	return attr
}

// typeOf is the type of a node as in st_mode.
func typeOf(n tree.Node) uint32 {
	switch n := n.(type) {
	case tree.Dir:
		return unix.S_IFDIR
	case tree.Symlink:
		return unix.S_IFLNK
	case tree.Special:
		mode, _, _ := n.Special()
		return mode & unix.S_IFMT
	default:
		return unix.S_IFREG
	}
}

// extentOf is a file's size in bytes and the room it takes in units of 512
// bytes. A file that cannot be opened has size 0: were stat(2) to fail, find
// and tar would stumble over it, where only its readers should.
func extentOf(f tree.File, open tree.Content) (size, blocks uint64) {
	c := open
	if c == nil {
		var err error
		if c, err = f.Content(); err != nil {
			return 0, 0
		}
	}
	if _, ok := c.(tree.Memory); ok {
		return 0, 0
	}
	data := c.Size()
	if e, ok := c.(tree.Extents); ok {
		data = e.DataSize()
	}
	return uint64(c.Size()), uint64((data + blockSize - 1) / blockSize * (blockSize / statBlock))
}

// setTimes leaves the epoch in place of a time that is not known; the year 1,
// which is the zero of time.Time, is beyond what some tools can print.
func setTimes(attr *fuse.Attr, a tree.Attr) {
	m, at, c := a.MTime, a.ATime, a.CTime
	if m.IsZero() {
		m = time.Unix(0, 0)
	}
	if at.IsZero() {
		at = m
	}
	if c.IsZero() {
		c = m
	}
	attr.SetTimes(&at, &m, &c)
}

// contentOf is the content of an open file, nil for none.
func contentOf(h fs.FileHandle) tree.Content {
	switch h := h.(type) {
	case *handle:
		return h.content
	case *memoryHandle:
		return h.content
	default:
		return nil
	}
}
