package layout

import (
	"fmt"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// fd is procs/<pid>/fd/: a link for each descriptor.
func (p *process) fd() tree.Dir {
	return p.dir(func() []tree.Entry {
		var entries []tree.Entry
		for _, d := range p.Descriptors {
			entries = append(entries, tree.Entry{Name: fmt.Sprint(d.FD), Node: p.fileLink(p.attr, 3, d.File)})
		}
		return sorted(entries)
	})
}
