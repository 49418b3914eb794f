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

// rootfsDeleted is rootfs-deleted.
func (b *builder) rootfsDeleted() tree.File {
	return b.text("rootfs-deleted", func(w io.Writer) error {
		for _, name := range b.ck.DeletedFiles() {
			if _, err := fmt.Fprintln(w, escape.String(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// rootfsDiff is rootfs-diff/.
func (b *builder) rootfsDiff() tree.Dir {
	return b.rootDir(b.ck.RootfsDiffRoot, func() ([]tree.Entry, error) {
		a, err := b.ck.RootfsDiff()
		if err != nil {
			b.ck.Warnings.Add(err)
			return nil, err
		}
		var members []*archive.Member
		if a != nil {
			members = a.Members()
		}
		root := grow("rootfs-diff", members)
		// A folder comes before what is in it: deleted, it is a whiteout alone.
		room := maxWhiteouts
		for _, name := range slices.Sorted(slices.Values(b.ck.DeletedFiles())) {
			if err := whiteOut(root, name, &room); err != nil {
				b.ck.Warnings.Addf("deleted.files: %q: %w", name, err)
			}
		}
		return b.folder(root)
	})
}

// whiteOut marks a path as deleted in the way of overlayfs, with a character
// device of number 0:0 (Documentation/filesystems/overlayfs.rst). What was
// deleted and then made anew is no whiteout. room is for how many more files and
// folders there is room.
func whiteOut(root *branch, name string, room *int) error {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if !isPath(name) {
		return errors.New("no path that can be deleted")
	}
	at := root
	for component := range strings.SplitSeq(name, "/") {
		if !at.isDir() {
			return errors.New("lies below what is no directory")
		}
		next := at.child(component)
		if next == nil {
			if *room--; *room < 0 {
				return fmt.Errorf("more than %d files and folders were deleted, left out", maxWhiteouts)
			}
			next = new(branch)
			at.add(component, next)
		}
		at = next
	}
	at.whiteout = at.member == nil && at.children == nil
	return nil
}

// maxWhiteouts bounds what a list of deleted files, in which each name can be two
// thousand folders, becomes.
const maxWhiteouts = 2 << 20

// isPath tells whether the kernel could have had such a path.
func isPath(name string) bool {
	if name == "" || len(name) > maxPath || strings.IndexByte(name, 0) >= 0 {
		return false
	}
	for component := range strings.SplitSeq(name, "/") {
		if len(component) > maxComponent {
			return false
		}
	}
	return true
}

// Limits of the kernel: linux/limits.h.
const (
	maxPath      = 4096 // PATH_MAX
	maxComponent = 255  // NAME_MAX
)
