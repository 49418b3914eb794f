package layout

import (
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// branch is a directory or a file of an archive, or of several, in the
// making.
type branch struct {
	member   *archive.Member // nil where no archive lists it
	origin   string          // names the archive of member
	children map[string]*branch
	fill     func() (map[string]*branch, error) // what children are, where they are not known yet
	root     func() *archive.Member             // what was mounted here, where that is not known yet
	whiteout bool
	node     tree.Node // shown as it is, if not nil
}

// grow puts the members of an archive into their folders. Those that the
// archive does not list are made.
func grow(origin string, members []*archive.Member) *branch {
	root := new(branch)
	for _, m := range members {
		root.put(m.Name, m, origin)
	}
	return root
}

// put adds a member of that name. It takes the place of what has its name,
// but a directory keeps what is in it.
func (b *branch) put(name string, m *archive.Member, origin string) {
	at := b.lookup(strings.Split(name, "/"))
	if at == nil || !at.isDir() || m.Type != archive.TypeDirectory {
		at = new(branch)
		b.set(name, at)
	}
	at.member, at.origin = m, origin
}

// set puts something at a path below b. What is no directory on the way there
// becomes one.
func (b *branch) set(name string, at *branch) {
	dir, last := path.Split(name)
	parent := b
	for component := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if component == "" {
			break
		}
		next := parent.child(component)
		if next == nil || !next.isDir() {
			next = new(branch)
			parent.add(component, next)
		}
		parent = next
	}
	parent.add(last, at)
}

// remove takes away what is at a path below b.
func (b *branch) remove(name string) {
	dir, last := path.Split(name)
	parent := b
	if dir != "" {
		parent = b.lookup(strings.Split(strings.TrimSuffix(dir, "/"), "/"))
	}
	if parent != nil {
		delete(parent.list(), last)
	}
}

func (b *branch) add(name string, child *branch) {
	if b.children == nil {
		b.children = make(map[string]*branch)
	}
	b.children[name] = child
}

// contents is what is in b.
func (b *branch) contents() (map[string]*branch, error) {
	if b.fill != nil {
		return b.fill()
	}
	return b.children, nil
}

// list is what is known to be in b.
func (b *branch) list() map[string]*branch {
	children, _ := b.contents()
	return children
}

// child is the entry of that name in b, or nil.
func (b *branch) child(name string) *branch { return b.list()[name] }

// lookup is the branch of that name, or nil.
func (b *branch) lookup(components []string) *branch {
	for _, c := range components {
		if b == nil {
			return nil
		}
		b = b.child(c)
	}
	return b
}

// isDir tells whether b is a directory: by its member, or because something
// is in it or must be.
func (b *branch) isDir() bool {
	return b.member == nil && !b.whiteout || b.member != nil && b.member.Type == archive.TypeDirectory
}
