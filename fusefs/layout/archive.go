package layout

import (
	"maps"
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// archive is archive/: the members as they are, and beside each nested tar
// NAME.tar a folder NAME.tar.d with what is in it.
func (b *builder) archive() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		root := grow(b.ck.Archive.Members())
		entries := b.folder("archive", root)
		for _, m := range b.ck.Archive.Members() {
			folder := m.Name + ".d"
			if path.Dir(m.Name) != "." || !strings.HasSuffix(m.Name, ".tar") || m.Type != archive.TypeRegular {
				continue
			}
			if root.children[folder] != nil {
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
		return b.folder(at, grow(a.Members())), nil
	})
}

// branch is a directory or a file of an archive in the making.
type branch struct {
	member   *archive.Member    // nil where the archive does not list it
	children map[string]*branch // of a directory
	whiteout bool
}

// grow puts members into their folders. Those that the archive does not list
// are made.
func grow(members []*archive.Member) *branch {
	root := new(branch)
	for _, m := range members {
		root.at(m.Name).member = m
	}
	return root
}

// at is the branch of that name, which is made if it is missing.
func (b *branch) at(name string) *branch {
	for component := range strings.SplitSeq(name, "/") {
		b = b.child(component)
	}
	return b
}

// child is the entry of that name in b, which is made if it is missing.
func (b *branch) child(name string) *branch {
	child := b.children[name]
	if child == nil {
		child = new(branch)
		if b.children == nil {
			b.children = make(map[string]*branch)
		}
		b.children[name] = child
	}
	return child
}

// lookup is the branch of that name, or nil.
func (b *branch) lookup(components []string) *branch {
	for _, c := range components {
		if b == nil {
			return nil
		}
		b = b.children[c]
	}
	return b
}

// isDir tells whether b is a directory: by its member, or because something
// is in it or must be.
func (b *branch) isDir() bool {
	return b.member == nil && !b.whiteout || b.member != nil && b.member.Type == archive.TypeDirectory
}

// folder lists a tree that stands at that path of the mount. Its symbolic
// links resolve as if that were the root.
func (b *builder) folder(top string, root *branch) []tree.Entry {
	return b.folderBelow(top, "", root, root)
}

func (b *builder) folderBelow(top, dir string, root, d *branch) []tree.Entry {
	entries := make([]tree.Entry, 0, len(d.children))
	for name, child := range d.children {
		at := path.Join(dir, name)
		var node tree.Node
		if child.isDir() {
			node = tree.LazyDir(b.memberAttr(top, child.member, 0o555), func() ([]tree.Entry, error) {
				return b.folderBelow(top, at, root, child), nil
			})
		} else {
			node = b.leaf(top, at, root, child)
		}
		entries = append(entries, tree.Entry{Name: name, Node: node})
	}
	return sorted(entries)
}

// memberAttr is what stat shows of a member that stands below top, or, for
// nil, of a directory that the archive does not list.
func (b *builder) memberAttr(top string, m *archive.Member, perm uint32) tree.Attr {
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
	if m.LinkName != "" {
		attr.InodePath = path.Join(top, m.LinkName)
	}
	return attr
}

// leaf is what is not a directory.
func (b *builder) leaf(top, at string, root, leaf *branch) tree.Node {
	if leaf.whiteout {
		return tree.NewSpecial(b.memberAttr(top, nil, 0), modeChar, 0, 0)
	}
	m := leaf.member
	attr := b.memberAttr(top, m, 0)
	switch m.Type {
	case archive.TypeSymlink:
		return b.link(attr, m.Target, confine(root, path.Dir(at), m.Target))
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
	modeSocket = 0o140000
	modeBlock  = 0o060000
	modeChar   = 0o020000
	modeFIFO   = 0o010000
)
