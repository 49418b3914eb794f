package layout

import (
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// fd is fd/ of a directory at that depth: a link for each descriptor.
func (p *process) fd(depth int) tree.Dir {
	return p.withObjects(p.dir(func() []tree.Entry {
		var entries []tree.Entry
		for _, d := range p.Descriptors {
			entries = append(entries, tree.Entry{Name: fmt.Sprint(d.FD), Node: p.fileLink(p.attr, depth+1, d.File)})
		}
		return byNumber(entries)
	}))
}

// fdinfo is fdinfo/: a file for each descriptor. Descriptors of the same file
// share it: it may have lines for all that an epoll instance watches.
func (p *process) fdinfo() tree.Dir {
	return p.dir(func() []tree.Entry {
		type content struct {
			file        *decoder.File
			closeOnExec bool
		}
		var entries []tree.Entry
		made := make(map[content]tree.File)
		for _, d := range p.Descriptors {
			c := content{d.File, d.CloseOnExec}
			if made[c] == nil {
				made[c] = p.render(fmt.Sprintf("fdinfo/%d", d.FD), func(w io.Writer) error { return procfmt.FDInfo(w, p.Process, d) })
			}
			entries = append(entries, tree.Entry{Name: fmt.Sprint(d.FD), Node: made[c]})
		}
		return byNumber(entries)
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
