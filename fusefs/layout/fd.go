package layout

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// fd is fd/ of a directory at that depth: a link for each descriptor.
func (p *process) fd(depth int) tree.Dir {
	return p.withObjects(p.perDescriptor(func(d decoder.Descriptor) tree.Node { return p.fileLink(p.attr, depth+1, d.File) }))
}

// perDescriptor is a directory with a node for each descriptor. Its nodes are
// not kept: processes and threads that share a table can be many, and so can be
// the descriptors in it.
func (p *process) perDescriptor(node func(decoder.Descriptor) tree.Node) tree.Dir {
	attr := p.attr
	attr.Perm = 0o555
	list := func() []tree.Entry {
		entries := make([]tree.Entry, 0, len(p.Descriptors))
		for _, d := range p.Descriptors {
			entries = append(entries, tree.Entry{Name: fmt.Sprint(d.FD), Node: node(d)})
		}
		return entries
	}
	lookup := func(name string) tree.Node {
		n, err := strconv.Atoi(name)
		i, found := slices.BinarySearchFunc(p.Descriptors, n, func(d decoder.Descriptor, n int) int { return cmp.Compare(d.FD, n) })
		if err != nil || !found || strconv.Itoa(n) != name {
			return nil
		}
		return node(p.Descriptors[i])
	}
	return tree.MadeDir(attr, list, lookup)
}

// fdinfo is fdinfo/: a file for each descriptor. What it says is the same for
// all descriptors of a file, in whatever process, but for the locks that a table
// holds: there may be lines for all that an epoll instance watches.
func (p *process) fdinfo() tree.Dir {
	type about struct {
		file        *decoder.File
		closeOnExec bool
		table       uint32 // 0: it has no lock on the file
	}
	return p.perDescriptor(func(d decoder.Descriptor) tree.Node {
		key := func() any {
			a := about{d.File, d.CloseOnExec, 0}
			if slices.ContainsFunc(d.File.Locks, func(k decoder.Lock) bool { return k.Kind == decoder.LockPOSIX && k.HeldBy(p.Process) }) {
				a.table = p.IDs.Files
			}
			return a
		}
		return p.alike(key, func() tree.File {
			return p.render(fmt.Sprintf("fdinfo/%d", d.FD), func(w io.Writer) error { return procfmt.FDInfo(w, p.Process, d) })
		})
	})
}

// mapFiles is map_files/: a link for each mapping of a file, named by its
// addresses.
//
// Source: fs/proc/base.c:proc_map_files_readdir.
func (p *process) mapFiles() tree.Dir {
	return p.dir(func() []tree.Entry {
		if p.MM == nil {
			return nil
		}
		var entries []tree.Entry
		for _, v := range p.MM.VMAs {
			if v.File != nil {
				name := fmt.Sprintf("%x-%x", uint64(v.Start), uint64(v.End))
				entries = append(entries, tree.Entry{Name: name, Node: p.fileLink(p.attr, 3, v.File)})
			}
		}
		return sorted(entries)
	})
}
