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
			entries = append(entries, tree.Entry{Name: name, Node: p.core(name, p.memory)})
			if b.opts.FakeBuildIDs {
				name += ".fake-build-ids"
				entries = append(entries, tree.Entry{Name: name, Node: p.core(name, p.fakeBuildIDs)})
			}
		}
		return sorted(entries), nil
	})
}

func (p *process) core(name string, mem func() coredump.Memory) tree.File {
	return tree.ContentFile(p.attr, func() (tree.Content, error) {
		c, err := coredump.New(p.Process, mem())
		if err != nil {
			p.ck.Warnings.Addf("cores/%s: %w", name, err)
			return nil, err
		}
		return sparse{readable{c, p.ck.Warnings}, c}, nil
	})
}

func (p *process) memory() coredump.Memory { return p.space() }

func (p *process) fakeBuildIDs() coredump.Memory {
	return coredump.WithFakeBuildIDs(p.Process, p.space())
}
