package layout

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
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
	// A folder comes before what is in it: deleted, it is a whiteout alone.
	for _, name := range slices.Sorted(slices.Values(deleted)) {
		if err := whiteOut(root, name); err != nil {
			b.ck.Warnings.Addf("deleted.files: %q: %w", name, err)
		}
	}
	return b.folder("rootfs-diff", root), nil
}

// whiteOut marks a path as deleted in the way of overlayfs, with a character
// device of number 0:0 (Documentation/filesystems/overlayfs.rst). What was
// deleted and then made anew is no whiteout.
func whiteOut(root *branch, name string) error {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" || len(name) > maxPath || strings.IndexByte(name, 0) >= 0 {
		return errors.New("no path that can be deleted")
	}
	at := root
	for component := range strings.SplitSeq(name, "/") {
		if len(component) > maxComponent {
			return errors.New("no path that can be deleted")
		}
		if !at.isDir() {
			return errors.New("lies below what is no directory")
		}
		at = at.child(component)
	}
	at.whiteout = at.member == nil && at.children == nil
	return nil
}

// Limits of the kernel: linux/limits.h.
const (
	maxPath      = 4096 // PATH_MAX
	maxComponent = 255  // NAME_MAX
)
