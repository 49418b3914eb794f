package layout

import (
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// archive is archive/: the members as they are, and beside each nested tar
// NAME a folder NAME.d with what is in it.
func (b *builder) archive() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		return b.unfold("archive", b.ck.Archive)
	})
}

// findNested finds the tars in the archive, by the directory that they stand in.
func (b *builder) findNested() map[string][]decoder.NestedTar {
	byDir := make(map[string][]decoder.NestedTar)
	for _, t := range b.ck.NestedTars() {
		byDir[t.Dir] = append(byDir[t.Dir], t)
	}
	return byDir
}

// unfold lists the archive whose members stand at that path of the mount.
func (b *builder) unfold(at string, a *archive.Archive) ([]tree.Entry, error) {
	root := grow(at, a.Members())
	for _, t := range b.nestedTars()[at] {
		folder := t.Name + ".d"
		if root.lookup(strings.Split(folder, "/")) != nil {
			b.ck.Warnings.Addf("%s: a member has the name under which %s would show as a folder", t.Folder, t.Name)
			continue
		}
		root.set(folder, &branch{node: b.rootDir(t.Root, func() ([]tree.Entry, error) {
			nested, err := t.Open()
			if err != nil {
				b.ck.Warnings.Add(err)
				return nil, err
			}
			return b.unfold(t.Folder, nested)
		})})
	}
	return b.folder(root)
}
