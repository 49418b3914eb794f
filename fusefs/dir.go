package fusefs

import (
	"context"
	"errors"
	"path"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

type dirNode struct {
	node
	dir  tree.Dir
	path string // in the mount; empty for the root
}

// Lookup serves READDIRPLUS too: for each name in a listing.
func (d *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if err := d.in.use(); err != nil {
		return nil, errno(err)
	}
	elem, err := d.dir.Lookup(name)
	_, live := d.dir.(tree.Live)
	if personal, is := d.dir.(tree.Personal); is && errors.Is(err, tree.ErrNotExist) {
		live = true // another process gets another answer
		elem, err = personal.LookupAs(caller(ctx), name)
	}
	switch {
	case err != nil && live:
		out.SetEntryTimeout(keep) // go-fuse then lets the kernel keep nothing, but NegativeTimeout with 0
		return nil, errno(err)
	case err != nil:
		return nil, errno(err)
	case !live:
		out.SetEntryTimeout(keep)
	}
	out.Attr = attrOf(elem, nil)
	out.SetAttrTimeout(attrTimeout(elem))
	child := join(d.path, name)
	return d.NewInode(ctx, newNode(elem, child, d.in), identity(elem, child, d.in)), ok
}

// OpendirHandle lets the kernel keep the listing.
func (d *dirNode) OpendirHandle(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if err := d.in.use(); err != nil {
		return nil, 0, errno(err)
	}
	entries, err := d.dir.Entries()
	if err != nil {
		return nil, 0, errno(err)
	}
	flags := uint32(fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE)
	if _, live := d.dir.(tree.Live); live {
		flags = 0
	}
	return &dirHandle{d, entries, 0}, flags, ok
}

// A dirHandle is an open directory. go-fuse calls it from one goroutine at a
// time.
type dirHandle struct {
	dir     *dirNode
	entries []tree.Entry
	// next is the position in the listing, which is d_off of the entry
	// before: 0 and 1 are "." and "..", 2 the first of entries.
	next uint64
}

func (h *dirHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	h.next = off
	return ok
}

// Readdirent returns nil at the end. Names that the kernel would not take are
// passed over.
func (h *dirHandle) Readdirent(context.Context) (*fuse.DirEntry, syscall.Errno) {
	for h.next < uint64(len(h.entries))+2 {
		i := h.next
		h.next++
		switch {
		case i == 0:
			return h.dot(".", h.dir.path), ok
		case i == 1:
			return h.dot("..", parent(h.dir.path)), ok
		case tree.LegalName(h.entries[i-2].Name):
			return h.entry(h.entries[i-2]), ok
		}
	}
	return nil, ok
}

func (h *dirHandle) entry(e tree.Entry) *fuse.DirEntry {
	id := identity(e.Node, join(h.dir.path, e.Name), h.dir.in)
	return &fuse.DirEntry{Name: e.Name, Mode: id.Mode, Ino: id.Ino, Off: h.next}
}

func (h *dirHandle) dot(name, dir string) *fuse.DirEntry {
	ino, _ := numbers(dir)
	return &fuse.DirEntry{Name: name, Mode: unix.S_IFDIR, Ino: ino, Off: h.next}
}

// join is the path of an entry, whatever its name: path.Join would drop dots.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// parent is the path of the directory above; the root is its own.
func parent(dir string) string {
	if dir = path.Dir(dir); dir != "." {
		return dir
	}
	return ""
}
