package layout

import (
	"fmt"

	"github.com/ckptfs/ckptfs/coredump"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// cores is cores/: a core file of each process of which one can be made. For
// the others a warning says why not; a dead process, which has no memory, is
// none of them.
func (b *builder) cores(procs []*process) tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		var entries []tree.Entry
		for _, p := range procs {
			if p.State.Dead() {
				continue
			}
			name := fmt.Sprintf("core.%d", p.PID)
			if err := coredump.Check(p.Process); err != nil {
				b.ck.Warnings.Addf("cores/%s: %w", name, err)
				continue
			}
			entries = append(entries, tree.Entry{Name: name, Node: p.core(name)})
		}
		return sorted(entries), nil
	})
}

func (p *process) core(name string) tree.File {
	return tree.ContentFile(p.attr, func() (tree.Content, error) {
		c, err := coredump.New(p.Process, p.space())
		if err != nil {
			p.ck.Warnings.Addf("cores/%s: %w", name, err)
			return nil, err
		}
		return sparse{readable{c, p.ck.Warnings}, c}, nil
	})
}
