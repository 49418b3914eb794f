package layout

import (
	"fmt"
	"io"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// process is a process with its address space, which is made when it is
// first needed. A process without memory has none.
type process struct {
	*decoder.Process
	*builder
	space    func() *memview.AddressSpace
	sizes    func() procfmt.MemorySizes // of all its mappings, counted once
	shared   func() []tree.Entry        // what its threads have alike, made once
	children []int                      // PIDs
	attr     tree.Attr                  // owner and time of its files
}

func (b *builder) processes() []*process {
	children := make(map[int][]int)
	for _, p := range b.ck.Processes {
		children[p.PPID] = append(children[p.PPID], p.PID)
	}
	var list []*process
	for _, p := range b.ck.Processes {
		proc := &process{
			Process:  p,
			builder:  b,
			space:    sync.OnceValue(func() *memview.AddressSpace { return memview.New(p.MM) }),
			children: children[p.PID],
			attr:     b.processAttr(p),
		}
		proc.sizes = sync.OnceValue(func() procfmt.MemorySizes { return procfmt.SizesOf(p.MM, proc.space()) })
		proc.shared = sync.OnceValue(proc.sharedEntries)
		list = append(list, proc)
	}
	return list
}

// processAttr is that of a process's files: its effective user owns them, as
// in /proc, and by that ps tells whose it is.
//
// Source: fs/proc/base.c:task_dump_owner.
func (b *builder) processAttr(p *decoder.Process) tree.Attr {
	attr := b.fileAttr()
	if t := p.Leader(); t != nil && t.Creds != nil {
		attr.UID, attr.GID = t.Creds.EUID, t.Creds.EGID
	}
	return attr
}

// dir is a directory of the process.
func (p *process) dir(entries func() []tree.Entry) tree.Dir {
	attr := p.attr
	attr.Perm = 0o555
	return tree.LazyDir(attr, func() ([]tree.Entry, error) { return entries(), nil })
}

// path is where an entry of the process stands in the mount.
func (p *process) path(name string) string { return fmt.Sprintf("procs/%d/%s", p.PID, name) }

// constant is a file that holds that text.
func (p *process) constant(text string) tree.File { return tree.Bytes(p.attr, []byte(text)) }

// number is a file of one number.
func (p *process) number(format string, n any) tree.File {
	return tree.Bytes(p.attr, fmt.Appendf(nil, format, n))
}

// render is a text file.
func (p *process) render(name string, render func(io.Writer) error) tree.File {
	return p.kept.File(p.attr, p.noting(p.path(name), render))
}

// text is a text file that is made from the mm image.
func (p *process) text(name string, render func(io.Writer) error) tree.File {
	return p.render(name, func(w io.Writer) error {
		if p.MM == nil {
			return procfmt.ErrNoMemory
		}
		return render(w)
	})
}
