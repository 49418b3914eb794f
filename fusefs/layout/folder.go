package layout

import (
	"cmp"
	"maps"
	"path"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// folder lists a tree. Its symbolic links resolve as if it were the root.
func (b *builder) folder(root *branch) ([]tree.Entry, error) { return b.folderBelow("", root, root) }

func (b *builder) folderBelow(dir string, root, d *branch) ([]tree.Entry, error) {
	children, err := d.contents()
	if err != nil {
		return nil, err
	}
	entries := make([]tree.Entry, 0, len(children))
	for name, child := range children {
		at := path.Join(dir, name)
		node := child.node
		switch {
		case node != nil:
		case child.isDir():
			list := func() ([]tree.Entry, error) { return b.folderBelow(at, root, child) }
			if child.root != nil {
				node = b.rootDir(child.root, list)
			} else {
				node = tree.LazyDir(b.memberAttr(child, 0o555), list)
			}
		default:
			node = b.leaf(at, root, child)
		}
		entries = append(entries, tree.Entry{Name: name, Node: node})
	}
	return sorted(entries), nil
}

// rootDir is a directory that is the root of an archive or of a mount. root is
// how that was recorded, nil if it was not.
func (b *builder) rootDir(root func() *archive.Member, list func() ([]tree.Entry, error)) tree.Dir {
	return tree.LateDir(func() tree.Attr {
		if m := root(); m != nil {
			return b.memberAttr(&branch{member: m}, 0)
		}
		return b.dirAttr()
	}, list)
}

// memberAttr is what stat shows of a member. One that no archive lists has the
// permissions perm.
func (b *builder) memberAttr(at *branch, perm uint32) tree.Attr {
	m := at.member
	if m == nil {
		return tree.Attr{Perm: perm, MTime: b.ck.Time}
	}
	attr := tree.Attr{
		Perm: m.Perm, UID: m.UID, GID: m.GID, Nlink: m.Nlink,
		MTime: m.ModTime, ATime: m.AccessTime, CTime: m.ChangeTime,
		Xattrs: m.Xattrs,
	}
	if _, ours := m.Xattrs[targetXattr]; ours && m.Type != archive.TypeSymlink {
		attr.Xattrs = maps.Clone(m.Xattrs)
		delete(attr.Xattrs, targetXattr)
	}
	if m.Nlink > 1 {
		// Not by the path alone: of two files that were one, the upper layer
		// of a root file system may have replaced the first.
		attr.InodePath = path.Join(at.origin, cmp.Or(m.LinkName, m.Name))
	}
	return attr
}

// leaf is what is not a directory.
func (b *builder) leaf(at string, root, leaf *branch) tree.Node {
	if leaf.whiteout {
		return tree.NewSpecial(b.memberAttr(leaf, 0), modeChar, 0, 0)
	}
	m := leaf.member
	attr := b.memberAttr(leaf, 0)
	switch m.Type {
	case archive.TypeSymlink:
		if !b.opts.RawLinks {
			// Where a confined link leads depends on where it stands. The kernel
			// takes the target of an inode for that of all its names.
			attr.InodePath = ""
		}
		return b.link(attr, m.Target, func() string { return confine(root, at, m.Target) })
	case archive.TypeFIFO:
		return tree.NewSpecial(attr, modeFIFO, 0, 0)
	case archive.TypeSocket:
		return tree.NewSpecial(attr, modeSocket, 0, 0)
	case archive.TypeChar:
		return tree.NewSpecial(attr, modeChar, m.Major, m.Minor)
	case archive.TypeBlock:
		return tree.NewSpecial(attr, modeBlock, m.Major, m.Minor)
	default:
		return tree.ContentFile(attr, func() (tree.Content, error) { return b.member(m), nil })
	}
}

// File types as in st_mode, for tree.NewSpecial; inode(7).
const (
	modeType   = 0o170000 // the mask of the type
	modeSocket = 0o140000
	modeBlock  = 0o060000
	modeChar   = 0o020000
	modeFIFO   = 0o010000
)
