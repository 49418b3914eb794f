package layout

import (
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// mem is procs/<pid>/mem.
func (p *process) mem() tree.File {
	return tree.ContentFile(p.attr, func() (tree.Content, error) {
		if p.MM == nil {
			return nil, procfmt.ErrNoMemory
		}
		return mem{memview.Mem{AddressSpace: p.space()}, p.ck.Warnings}, nil
	})
}

// pagemap is procs/<pid>/pagemap.
func (p *process) pagemap() tree.File {
	return tree.ContentFile(p.attr, func() (tree.Content, error) {
		if p.MM == nil {
			return nil, procfmt.ErrNoMemory
		}
		return procfmt.Pagemap{MM: p.MM, Space: p.space()}, nil
	})
}

// memDir is procs/<pid>/mem.d/.
func (p *process) memDir() tree.Dir {
	return p.dir(func() []tree.Entry {
		if p.MM == nil {
			return nil
		}
		labels := procfmt.Labels(p.MM)
		var entries []tree.Entry
		for _, s := range p.space().Stretches() {
			entries = append(entries, tree.Entry{
				Name: procfmt.StretchName(s, labels[s.VMA]),
				Node: tree.ContentFile(p.attr, func() (tree.Content, error) {
					return readable{s, p.ck.Warnings}, nil
				}),
			})
		}
		return entries
	})
}

// rangeOf finds a range of memory that a file shows.
type rangeOf func(*decoder.MM, *memview.AddressSpace) (decoder.Range, error)

// bytes is a file with the bytes of a range of memory as they are.
func (p *process) bytes(name string, find rangeOf) tree.File {
	return tree.ContentFile(p.attr, func() (tree.Content, error) {
		r, err := p.find(name, find)
		if err != nil {
			return nil, err
		}
		return readable{p.stretch(r), p.ck.Warnings}, nil
	})
}

// items is a file with the strings of a range of memory, one a line.
func (p *process) items(name string, find rangeOf) tree.File {
	return p.kept.File(p.attr, p.noting(p.path(name), func(w io.Writer) error {
		r, err := p.find(name, find)
		if err != nil || r.Len() == 0 {
			return err
		}
		return procfmt.Items(w, p.space(), r)
	}))
}

// find is the range that a file shows. A dead process has no memory, and the
// range is empty.
func (p *process) find(name string, find rangeOf) (decoder.Range, error) {
	if p.State.Dead() {
		return decoder.Range{}, nil
	}
	if p.MM == nil {
		p.ck.Warnings.Addf("%s: %w", p.path(name), procfmt.ErrNoMemory)
		return decoder.Range{}, procfmt.ErrNoMemory
	}
	r, err := find(p.MM, p.space())
	if err != nil {
		p.ck.Warnings.Addf("%s: %w", p.path(name), err)
	}
	return r, err
}

// stretch is the bytes of a range that is known to be readable.
func (p *process) stretch(r decoder.Range) tree.Content {
	if r.Len() == 0 {
		return io.NewSectionReader(nil, 0, 0)
	}
	return p.space().Stretch(r)
}
