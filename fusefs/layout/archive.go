package layout

import (
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// archive is archive/: the members as they are, and beside each nested tar
// NAME.tar a folder NAME.tar.d with what is in it.
func (b *builder) archive() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		root := grow("archive", b.ck.Archive.Members())
		entries := b.folder(root)
		for _, m := range b.ck.Archive.Members() {
			folder := m.Name + ".d"
			if path.Dir(m.Name) != "." || !strings.HasSuffix(m.Name, ".tar") || m.Type != archive.TypeRegular {
				continue
			}
			if root.child(folder) != nil {
				b.ck.Warnings.Addf("archive/%s: a member has the name under which %s would show as a folder", folder, m.Name)
				continue
			}
			entries = append(entries, tree.Entry{Name: folder, Node: b.nestedTar("archive/"+folder, m.Name)})
		}
		return sorted(entries), nil
	})
}

func (b *builder) nestedTar(at, name string) tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		a, err := b.ck.NestedTar(name)
		if err != nil {
			b.ck.Warnings.Add(err)
			return nil, err
		}
		return b.folder(grow(at, a.Members())), nil
	})
}
