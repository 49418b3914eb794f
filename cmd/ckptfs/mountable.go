package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/collection"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// mountable is what is mounted: the tree of a checkpoint or of many.
type mountable struct {
	root tree.Dir
	io.Closer
	// tend closes what is not used any more of many checkpoints, until the
	// context is done. It is nil for one.
	tend func(ctx context.Context, letGo func(name string))
}

// mountable opens what is to be mounted. A directory with archives in it is a
// folder of many checkpoints, unless it is a checkpoint itself; one with
// directories that are checkpoints is such a folder where it is not to be had
// as one. --checkpoint always means one.
func (m *mount) mountable() (mountable, error) {
	if !m.isDir || m.checkpoint != "" {
		return m.one()
	}
	folder, err := collection.OpenFolder(m.archive)
	if err != nil {
		return mountable{}, err
	}
	kind, err := folder.Kind()
	if err == nil && kind == collection.Archives {
		return m.many(folder)
	}
	var c mountable
	if err == nil {
		c, err = m.one()
	}
	var not *decoder.NotCheckpointError
	if kind == collection.Directories && errors.As(err, &not) {
		return m.many(folder)
	}
	folder.Close()
	return c, err
}

func (m *mount) one() (mountable, error) {
	ck, err := m.open()
	if err != nil {
		return mountable{}, err
	}
	return mountable{root: layout.Root(ck.Checkpoint, m.layout()), Closer: ck}, nil
}

func (m *mount) many(folder *collection.Folder) (mountable, error) {
	if m.rootfs != "" || len(m.parents) > 0 {
		folder.Close()
		return mountable{}, fmt.Errorf("%s: a folder of checkpoints, where --rootfs and --parent do not say of which", m.archive)
	}
	if err := m.opened(); err != nil {
		folder.Close()
		return mountable{}, err
	}
	dir := collection.New(folder, collection.Options{
		Spool:  m.spool(),
		Layout: m.layout(),
	})
	return mountable{dir, dir, dir.Tend}, nil
}

func (m *mount) layout() layout.Options {
	return layout.Options{
		RawLinks:     m.options.rawLinks,
		FakeBuildIDs: m.options.fakeBuildIDs,
		MountPoint:   m.point,
	}
}
