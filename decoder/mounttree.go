package decoder

import (
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// MountTree is what was mounted at a place, and what was mounted below it.
type MountTree struct {
	Point  string
	Layers []Layer      // the lowest first; none where the checkpoint has nothing of it
	Below  []*MountTree // sorted by Point
}

// Root is the directory that was mounted, as the uppermost layer that records it
// has it; nil where none does. No layer is opened for it unless a part of it was
// mounted.
func (t *MountTree) Root() *archive.Member {
	for _, layer := range slices.Backward(t.Layers) {
		if m := layer.root(); m != nil {
			return m
		}
	}
	return nil
}

// Mounts is the root file system as the first process saw it.
func (c *Checkpoint) Mounts() *MountTree {
	l := c.loader
	ns := l.mountNamespace(c.Processes)
	below := make(map[int][]*Mount) // by the parent's id
	var root *Mount
	for _, m := range l.mountOrder {
		if m.NS != ns || l.mounts[m.ID] != m { // a later one took its id
			continue
		}
		if parent := l.mounts[m.Parent]; parent != nil && parent.NS == ns && parent != m {
			below[m.Parent] = append(below[m.Parent], m)
		} else if m.Point == "/" && (root == nil || m.ID < root.ID) {
			root = m
		}
	}
	if root == nil {
		root = rootMount
	}
	return l.mountTree(root, below)
}

// rootMount stands for the root file system where there is no mount table.
var rootMount = &Mount{Root: "/", Point: "/"}

// mountTree is what was mounted at m. A mount that covers all of another
// stands in its place. Mounts that are each other's parents are below none.
func (l *loader) mountTree(m *Mount, below map[int][]*Mount) *MountTree {
	children := below[m.ID]
	delete(below, m.ID)
	t := &MountTree{Point: m.Point, Layers: l.layers(m)}
	for _, child := range children {
		if child.Point == m.Point {
			return l.mountTree(child, below)
		}
		t.Below = append(t.Below, l.mountTree(child, below))
	}
	slices.SortStableFunc(t.Below, func(a, b *MountTree) int { return strings.Compare(a.Point, b.Point) })
	return t
}
