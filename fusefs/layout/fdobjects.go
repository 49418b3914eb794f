package layout

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// objectName is the name in fd/ of what stat(2) finds of an open file. It is not
// the link's text, or opening that would find it too: a pipe, where open(2)
// waits for the other end for ever.
func objectName(f *decoder.File) string { return fmt.Sprintf("object:%d", f.ID) }

// object is what stat(2) finds of an open file whose link leads to the bytes in
// it, or nowhere: a pipe, a socket, a terminal; nil for others.
func (b *builder) object(attr tree.Attr, f *decoder.File) tree.Node {
	attr.Ino, attr.Unlinked = f.Ino, f.Unlinked // 0: it has one like all others
	if f.Mode != 0 {
		attr.Perm = f.Mode & 0o7777
	}
	switch d := f.Details.(type) {
	case *decoder.Socket:
		return tree.NewSpecial(attr, modeSocket, 0, 0)
	case *decoder.Pipe:
		return tree.NewSpecial(attr, modeFIFO, 0, 0)
	case *decoder.Terminal:
		return tree.NewSpecial(attr, modeChar, unix.Major(uint64(d.Device)), unix.Minor(uint64(d.Device)))
	}
	if f.Mode&modeType == modeFIFO && b.ck.ObjectOf(f) != nil {
		return tree.NewSpecial(attr, modeFIFO, 0, 0)
	}
	return nil
}

// withObjects adds to the directory fd/ the objects of its magic links: of
// "socket:[4711]" a socket with that inode number. They are not listed, and
// stat(2) is all they are good for: lsof(8) finds out by that what a descriptor
// is, and which line of net/ tells more. An anonymous inode has a type that no
// file system can have, and leads nowhere.
func (p *process) withObjects(fd tree.Dir) tree.Dir {
	if !p.opts.MagicLinks {
		return fd
	}
	return &unlisted{fd, sync.OnceValue(func() map[string]tree.Node {
		objects := make(map[string]tree.Node)
		for _, d := range p.Descriptors {
			if o := p.object(p.attr, d.File); o != nil {
				objects[objectName(d.File)] = o
			}
		}
		return objects
	})}
}

// unlisted is a directory with nodes that its listing leaves out.
type unlisted struct {
	tree.Dir
	nodes func() map[string]tree.Node
}

func (d *unlisted) Lookup(name string) (tree.Node, error) {
	if n, ok := d.nodes()[name]; ok {
		return n, nil
	}
	return d.Dir.Lookup(name)
}
