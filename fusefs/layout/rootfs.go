package layout

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// rootfs is rootfs/: the root file system as the first process saw it.
func (b *builder) rootfs() tree.Dir {
	mounts := sync.OnceValue(b.ck.Mounts)
	root := func() *archive.Member { return mounts().Root() }
	return b.rootDir(root, func() ([]tree.Entry, error) { return b.folder(b.mounted(mounts())) })
}

// mounted is a mounted directory. Nothing of it is opened before somebody looks
// into it, for what a tmpfs held has to be expanded first.
func (b *builder) mounted(m *decoder.MountTree) *branch {
	return &branch{root: m.Root, fill: sync.OnceValues(func() (map[string]*branch, error) {
		root := new(branch)
		for i, layer := range m.Layers {
			if err := b.lay(root, layer, fmt.Sprintf("rootfs%s#%d", m.Point, i)); err != nil {
				b.ck.Warnings.Addf("rootfs%s: %w", m.Point, err)
				return nil, err
			}
		}
		for _, below := range m.Below {
			b.mountBelow(root, m.Point, below)
		}
		return root.children, nil
	})}
}

// lay puts a layer over what is in root. origin names its archive.
func (b *builder) lay(root *branch, layer decoder.Layer, origin string) error {
	a, err := layer.Archive()
	if err != nil {
		return err
	}
	if len(root.children) > 0 && !layer.Whole() {
		b.ck.Warnings.Addf("%s is not known in full: rootfs has nothing of the layers below it, which it may have replaced", layer.Name)
		root.children = nil
	}
	for _, name := range layer.Deleted() {
		root.remove(strings.Trim(path.Clean("/"+name), "/"))
	}
	if a == nil {
		return nil
	}
	for _, m := range a.Members() {
		if name, ok := below(layer.Dir, m.Name); ok && name != "" {
			root.put(name, m, origin)
		}
	}
	return nil
}

// mountBelow mounts m, which is mounted somewhere below root, the directory
// of that path. Where the checkpoint has nothing of it there is an empty
// directory or no file: what the image has in its place, no process saw.
func (b *builder) mountBelow(root *branch, at string, m *decoder.MountTree) {
	name, ok := below(strings.Trim(at, "/"), strings.Trim(m.Point, "/"))
	if !ok || !isPath(name) {
		b.ck.Warnings.Addf("mount point %q: no path below %q, left out", m.Point, at)
		return
	}
	old := root.lookup(strings.Split(name, "/"))
	if file := b.mountedFile(m); file != nil {
		root.set(name, file)
	} else if len(m.Layers) > 0 || len(m.Below) > 0 || old != nil && old.isDir() {
		root.set(name, b.mounted(m))
	} else {
		root.remove(name)
	}
}

// mountedFile is the file that was mounted, if it was no directory.
func (b *builder) mountedFile(m *decoder.MountTree) *branch {
	for _, layer := range m.Layers {
		if layer.Dir == "" {
			return nil
		}
		a, err := layer.Archive()
		b.ck.Warnings.Add(err)
		if a == nil {
			return nil
		}
		if member := a.Lookup(layer.Dir); member != nil && member.Type != archive.TypeDirectory {
			return &branch{member: member, origin: "rootfs" + m.Point}
		}
	}
	return nil
}

// below is the path that leads from dir, "" for the top, to name.
func below(dir, name string) (string, bool) {
	if dir == "" {
		return name, true
	}
	if name == dir {
		return "", true
	}
	return strings.CutPrefix(name, dir+"/")
}
