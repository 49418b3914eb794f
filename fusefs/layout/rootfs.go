package layout

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// rootfs is rootfs-diff/ and rootfs-deleted. Both are there even where the
// container changed nothing, and are empty then.
func (b *builder) rootfs() []tree.Entry {
	deleted := b.ck.DeletedFiles()
	return []tree.Entry{
		{Name: "rootfs-deleted", Node: b.text("rootfs-deleted", func(w io.Writer) error {
			for _, name := range deleted {
				if _, err := fmt.Fprintln(w, escape.String(name)); err != nil {
					return err
				}
			}
			return nil
		})},
		{Name: "rootfs-diff", Node: tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
			return b.rootfsDiff(deleted)
		})},
	}
}

func (b *builder) rootfsDiff(deleted []string) ([]tree.Entry, error) {
	a, err := b.ck.RootfsDiff()
	if err != nil {
		b.ck.Warnings.Add(err)
		return nil, err
	}
	var members []*archive.Member
	if a != nil {
		members = a.Members()
	}
	root := grow(members)
	for _, name := range deleted {
		if err := whiteOut(root, name); err != nil {
			b.ck.Warnings.Addf("deleted.files: %q: %w", name, err)
		}
	}
	return b.folder("rootfs-diff", "", root), nil
}

// whiteOut marks a path as deleted in the way of overlayfs, with a character
// device of number 0:0 (Documentation/filesystems/overlayfs.rst). What was
// deleted and then made anew is no whiteout.
func whiteOut(root *branch, name string) error {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" || len(name) > maxPath || strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("no path that can be deleted")
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if d := root.lookup(strings.Split(dir, "/")); d != nil && !d.isDir() {
			return fmt.Errorf("%q is no directory", dir)
		}
	}
	b := root.at(name)
	b.whiteout = b.member == nil && b.children == nil
	return nil
}

// maxPath is the longest path that the kernel takes (limits.h:PATH_MAX).
const maxPath = 4096
