package decoder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// nestedTars are the tars inside the archive, each opened once, when it is
// first asked for. It is safe for concurrent use.
type nestedTars struct {
	spool archive.Options // with room for all of them together
	warn  *Warnings

	mu     sync.Mutex
	opened map[string]*nestedTar // by where they stand in the mount

	heads   sync.Mutex                 // one is expanded at a time: each can ask for much memory
	folders map[string]*archive.Member // that tars were made of, by where the tars stand in the mount
}

// maxHeads is of how many tars the heads are looked at: a hostile archive can have
// any number, each of which takes its time.
const maxHeads = 1 << 10

type nestedTar struct {
	*archive.Archive
	err   error
	layer *layerFiles // the same, taken for the layer of an OCI image; nil where nobody asked
}

// open opens a tar. A missing one is an error that wraps ErrMissing.
func (n *nestedTars) open(t tarMember) (*archive.Archive, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.get(t)
	return o.Archive, o.err
}

// openLayer opens a tar that is the layer of an OCI image.
func (n *nestedTars) openLayer(t tarMember) (layerFiles, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.get(t)
	if o.err != nil {
		return layerFiles{}, o.err
	}
	if o.layer == nil {
		o.layer = new(takeWhiteouts(o.Archive))
	}
	return *o.layer, nil
}

func (n *nestedTars) get(t tarMember) *nestedTar {
	at := t.in.mountPath(t.name)
	if o := n.opened[at]; o != nil {
		return o
	}
	if n.opened == nil {
		n.opened = make(map[string]*nestedTar)
	}
	o := new(nestedTar)
	if m := t.in.member(t.name); m == nil {
		o.err = ErrMissing
	} else {
		sum := newChecksum(t.digest, m.Size())
		if o.Archive, o.err = archive.OpenNested(m, m.Size(), sum.options(n.spool)); o.err == nil {
			n.noteAll(t.name, append(sum.check(), o.Damage()...))
		}
	}
	if o.err != nil {
		o.err = fmt.Errorf("%s: %w", t.name, o.err)
	}
	n.opened[at] = o
	return o
}

// noteAll makes warnings of what is wrong with a tar.
func (n *nestedTars) noteAll(name string, errs []error) {
	for _, err := range errs {
		n.warn.Addf("%s: %w", name, err)
	}
}

// folder is the folder that a tar was made of, nil where that is not recorded.
// The tar is not opened for it.
func (n *nestedTars) folder(t tarMember) *archive.Member {
	m := t.in.member(t.name)
	if m == nil {
		return nil
	}
	n.heads.Lock()
	defer n.heads.Unlock()
	at := t.in.mountPath(t.name)
	if _, looked := n.folders[at]; !looked && len(n.folders) < maxHeads {
		if n.folders == nil {
			n.folders = make(map[string]*archive.Member)
		}
		n.folders[at] = archive.FolderOf(m, m.Size())
	}
	return n.folders[at]
}

// forget closes a tar that is not needed any more.
func (n *nestedTars) forget(t tarMember) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := t.in.mountPath(t.name)
	if o := n.opened[at]; o != nil && o.Archive != nil {
		n.spool.Room.Memory += o.Footprint()
		n.warn.Add(o.Close())
	}
	delete(n.opened, at)
}

// Close closes all that were opened.
func (n *nestedTars) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, o := range n.opened {
		if o.Archive != nil {
			errs = append(errs, o.Close())
		}
	}
	clear(n.opened)
	return errors.Join(errs...)
}

// NestedTar is a tar inside the archive. The mount has it twice: as it is, and
// as a folder with what is in it.
type NestedTar struct {
	Dir    string // of the archive that it is a member of, in the mount
	Name   string // of the member
	Folder string // with what is in it, in the mount

	open   func() (*archive.Archive, error)
	folder func() *archive.Member
}

// Open opens the tar.
func (t NestedTar) Open() (*archive.Archive, error) { return t.open() }

// Root is the folder that the tar was made of, nil where that is not recorded. It
// does not open the tar.
func (t NestedTar) Root() *archive.Member { return t.folder() }

// NestedTars lists the tars that are members of the archive, or of the one in it
// that has the images: those of the engine, volumes, and layers whatever their name.
func (c *Checkpoint) NestedTars() []NestedTar {
	l := c.loader
	tars := slices.Concat(l.source.wraps, l.source.base)
	if l.source.layer {
		tars = append(tars, l.source.diff)
	}
	for _, im := range []*images{l.source.outer, l.images} {
		for _, m := range im.archive.Members() {
			if strings.HasSuffix(m.Name, ".tar") && m.Type == archive.TypeRegular {
				tars = append(tars, tarMember{in: im, name: m.Name})
			}
		}
	}
	var list []NestedTar
	seen := make(map[string]bool)
	for _, t := range tars {
		if seen[t.folder()] || t.in.member(t.name) == nil {
			continue
		}
		seen[t.folder()] = true
		list = append(list, NestedTar{
			Dir: t.in.mount, Name: t.name, Folder: t.folder(),
			open:   func() (*archive.Archive, error) { return l.nested.open(t) },
			folder: func() *archive.Member { return l.nested.folder(t) },
		})
	}
	return list
}
