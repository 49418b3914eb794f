package collection

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// Options are the settings of a [Dir].
type Options struct {
	Spool  archive.Options // for what has to be expanded
	Layout layout.Options  // of each checkpoint; MountPoint is that of the whole
}

// Dir is the tree of a folder of checkpoints: a [tree.Live] of [tree.Session].
// It is safe for concurrent use.
type Dir struct {
	folder  *Folder
	opts    Options
	seed    maphash.Seed
	opening chan struct{} // has room for those that are opened at the same time
	crowded chan struct{} // there are more than maxOpen

	mu       sync.Mutex
	sessions map[*session]time.Time // that are open, and when they were used last
	versions map[string]version
}

// version tells the sessions of one name apart, beside the file's identity.
type version struct {
	n     uint64
	retry time.Time // when to count on, because the last session failed; zero for never
}

// New makes the tree of a folder.
func New(folder *Folder, opts Options) *Dir {
	return &Dir{
		folder: folder, opts: opts, seed: maphash.MakeSeed(),
		opening:  make(chan struct{}, runtime.GOMAXPROCS(0)),
		crowded:  make(chan struct{}, 1),
		sessions: make(map[*session]time.Time),
		versions: make(map[string]version),
	}
}

// Live marks the directory.
func (d *Dir) Live() {}

// Attr shows when the folder was last changed.
func (d *Dir) Attr() tree.Attr { return tree.Attr{Perm: 0o555, MTime: d.folder.ModTime()} }

// Entries opens no archive.
func (d *Dir) Entries() ([]tree.Entry, error) {
	items, err := d.folder.List()
	if err != nil {
		return nil, err
	}
	entries := make([]tree.Entry, len(items))
	for i, item := range items {
		entries[i] = tree.Entry{Name: item.Name, Node: d.session(item)}
	}
	return entries, nil
}

// Lookup opens no archive.
func (d *Dir) Lookup(name string) (tree.Node, error) {
	if !tree.LegalName(name) {
		return nil, tree.ErrNotExist
	}
	item, err := d.folder.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, tree.ErrNotExist
	case err != nil:
		return nil, err
	}
	return d.session(item), nil
}

func (d *Dir) session(item Item) *session {
	return &session{dir: d, item: item, version: d.version(item)}
}

// version is that of the next session of an item: the same as that of the one
// before, unless that was closed, has failed, or was of another file.
func (d *Dir) version(item Item) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.versions[item.Name]
	if !v.retry.IsZero() && !time.Now().Before(v.retry) {
		v = version{n: v.n + 1}
		d.versions[item.Name] = v
	}
	return d.hash(item, v)
}

func (d *Dir) hash(item Item, v version) uint64 {
	return maphash.Comparable(d.seed, struct {
		identity
		n uint64
	}{item.id, v.n})
}
