package layout

import (
	"fmt"
	"strings"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// objectName is the name in fd/ of what stat(2) finds of a file without a name.
// It is not the link's text, or opening that would find it too: a pipe, where
// open(2) waits for the other end for ever.
func objectName(f *decoder.File) string { return "object:" + f.KernelName() }

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
			if d.File.Kind != decoder.FileOther {
				continue
			}
			kind, number, _ := strings.Cut(d.File.KernelName(), ":")
			attr := p.attr
			_, _ = fmt.Sscanf(number, "[%d]", &attr.Ino) // else it has one like all others
			switch kind {
			case "socket":
				objects[objectName(d.File)] = tree.NewSpecial(attr, modeSocket, 0, 0)
			case "pipe":
				objects[objectName(d.File)] = tree.NewSpecial(attr, modeFIFO, 0, 0)
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
