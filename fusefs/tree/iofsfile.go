package tree

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"
)

// open makes the [fs.File] of a node that is no symbolic link.
func open(name string, n Node) (fs.File, error) {
	switch n := n.(type) {
	case Dir:
		entries, err := n.Entries()
		if err != nil {
			return nil, err
		}
		return &openDir{info: info{name, n}, rest: entries}, nil
	case File:
		c, err := n.Content()
		if err != nil {
			return nil, err
		}
		size := c.Size()
		if _, ok := c.(Memory); ok {
			size = math.MaxInt64 // any address may be asked for
		}
		return &openFile{io.NewSectionReader(c, 0, size), info{name, n}}, nil
	default:
		return nil, fmt.Errorf("a device, FIFO or socket: %w", fs.ErrInvalid)
	}
}

type openFile struct {
	*io.SectionReader
	info info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info info
	rest []Entry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

func (d *openDir) ReadDir(count int) ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	for len(d.rest) > 0 && (count <= 0 || len(list) < count) {
		if e := d.rest[0]; expressible(e.Name) {
			list = append(list, fs.FileInfoToDirEntry(info{e.Name, e.Node}))
		}
		d.rest = d.rest[1:]
	}
	if count > 0 && len(list) == 0 {
		return nil, io.EOF
	}
	return list, nil
}

// info is the [fs.FileInfo] of a node.
type info struct {
	name string
	node Node
}

func (i info) Name() string       { return i.name }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) ModTime() time.Time { return i.node.Attr().MTime }
func (i info) Sys() any           { return i.node }

// Size is 0 for a file that cannot be opened, as it is in the mount, and for
// [Memory].
func (i info) Size() int64 {
	switch n := i.node.(type) {
	case File:
		c, err := n.Content()
		if _, ok := c.(Memory); err != nil || ok {
			return 0
		}
		return c.Size()
	case Symlink:
		return int64(len(n.Target()))
	}
	return 0
}

func (i info) Mode() fs.FileMode {
	perm := i.node.Attr().Perm
	mode := fs.FileMode(perm & 0o777)
	for _, bit := range []struct {
		unix uint32
		mode fs.FileMode
	}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}} {
		if perm&bit.unix != 0 {
			mode |= bit.mode
		}
	}
	return mode | fileType(i.node)
}
