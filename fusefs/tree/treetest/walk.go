package treetest

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// Limits of [Walk]. The kernel takes no longer value of an extended attribute
// (include/uapi/linux/limits.h).
const (
	maxEntries = 200_000
	maxXattr   = 1 << 16 // XATTR_SIZE_MAX, in bytes
	maxDepth   = 4200    // folders in one another: as many as PATH_MAX has room for, and those of ours
)

// Visited is what a walk met.
type Visited struct {
	Entries int
	Failed  int // directories and files that cannot be opened, and reads that failed
}

// Walk looks at all of root as somebody does who trusts nothing in it: lists
// every directory, opens every file, and reads the beginning and the end of
// it. What fails to open or to read is counted, for so does what is damaged.
// The error says where the tree is none: a name that cannot be, or is there
// twice, a link that leaves the mount, a read that gives more than was asked for,
// more entries than anything small can have.
//
// Paths that are unread, each beginning with "/", are of files to leave alone.
//
// It is faster than [Check], and demands less.
func Walk(root tree.Dir, unread ...string) (Visited, error) {
	w := walk{buf: make([]byte, 64<<10), unread: unread}
	err := w.dir("/", root, 0)
	return w.Visited, err
}

type walk struct {
	Visited
	buf    []byte
	unread []string
}

func (w *walk) dir(name string, d tree.Dir, depth int) error {
	entries, err := d.Entries()
	if err != nil {
		w.Failed++
		return nil //nolint:nilerr // it is counted
	}
	if w.Entries += len(entries); w.Entries > maxEntries || depth > maxDepth {
		return fmt.Errorf("%.200s: more than %d entries, or deeper than %d", name, maxEntries, maxDepth)
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		child := path.Join(name, e.Name)
		if !tree.LegalName(e.Name) || seen[e.Name] {
			return fmt.Errorf("%.200s: the name %.200q is illegal, or there twice", name, e.Name)
		}
		seen[e.Name] = true
		if err := w.node(child, e.Node, depth); err != nil {
			return fmt.Errorf("%.300s: %w", child, err)
		}
	}
	return nil
}

func (w *walk) node(name string, n tree.Node, depth int) error {
	for key, value := range n.Attr().Xattrs {
		if len(value) > maxXattr {
			return fmt.Errorf("attribute %q of %d bytes", key, len(value))
		}
	}
	switch n := n.(type) {
	case tree.Dir:
		return w.dir(name, n, depth+1)
	case tree.File:
		if slices.Contains(w.unread, name) {
			return nil
		}
		return w.file(n)
	case tree.Symlink:
		if t := n.Target(); t == "" || t[0] == '/' || leaves(path.Dir(name), t) {
			return fmt.Errorf("target of %d bytes, %.200q, is none or leaves the mount", len(t), t)
		}
	}
	return nil
}

func (w *walk) file(f tree.File) error {
	content, err := f.Content()
	if err != nil {
		w.Failed++
		return nil //nolint:nilerr // it is counted
	}
	size := content.Size()
	if size < 0 {
		return fmt.Errorf("size %d", size)
	}
	offsets := []int64{0, size - 100, size}
	if e, ok := content.(tree.Extents); ok {
		more, err := w.extents(e)
		if err != nil {
			return err
		}
		offsets = append(offsets, more...)
	}
	_, addressed := content.(tree.Memory)
	for _, off := range offsets {
		if off < 0 {
			continue
		}
		n, err := content.ReadAt(w.buf, off)
		switch {
		case n < 0 || n > len(w.buf):
			return fmt.Errorf("ReadAt(%d bytes, %d) = %d", len(w.buf), off, n)
		case n < len(w.buf) && err == nil:
			return fmt.Errorf("ReadAt(%d bytes, %d) = %d, and no error", len(w.buf), off, n)
		case !addressed && int64(n) > max(size-off, 0):
			return fmt.Errorf("ReadAt(%d bytes, %d) = %d, in a file of %d", len(w.buf), off, n, size)
		case err != nil && !errors.Is(err, io.EOF) && !addressed: // of memory there are gaps
			w.Failed++
		}
	}
	return nil
}

// extents are the first offsets at which data begins, and where it ends.
func (w *walk) extents(e tree.Extents) (offsets []int64, err error) {
	const enough = 8
	for off := int64(0); len(offsets) < enough; {
		data, err := e.NextData(off)
		if err != nil {
			break // io.EOF, or what it lies in cannot be read
		}
		hole, err := e.NextHole(data)
		if data < off || err == nil && hole <= data {
			return nil, fmt.Errorf("NextData(%d) = %d, NextHole of that = %d", off, data, hole)
		} else if err != nil {
			break
		}
		offsets = append(offsets, data, hole)
		off = hole
	}
	if e.DataSize() < 0 {
		return nil, fmt.Errorf("DataSize() = %d", e.DataSize())
	}
	return offsets, nil
}
