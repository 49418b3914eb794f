package layout

import (
	"fmt"
	"strings"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// withObjects adds to the directory fd/ what its magic links to files without
// a name lead to: "socket:[4711]" in that directory, as a socket with that
// inode number. It is not listed, and stat(2) is all it is good for: lsof(8)
// finds out by that what a descriptor is, and which line of net/ tells more.
// An anonymous inode has a type that no file system can have, and leads
// nowhere.
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
			name := d.File.KernelName()
			kind, number, _ := strings.Cut(name, ":")
			attr := p.attr
			_, _ = fmt.Sscanf(number, "[%d]", &attr.Ino) // else it has one like all others
			switch kind {
			case "socket":
				objects[name] = tree.NewSpecial(attr, modeSocket, 0, 0)
			case "pipe":
				objects[name] = tree.NewSpecial(attr, modeFIFO, 0, 0)
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
