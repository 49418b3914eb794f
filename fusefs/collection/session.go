package collection

import (
	"errors"
	"io"
	"path"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// session is the folder of one checkpoint. It holds nothing before it is
// entered.
type session struct {
	dir     *Dir
	item    Item
	version uint64

	mu      sync.Mutex // held while it is opened or closed
	root    tree.Dir   // nil before it was opened
	content io.Closer  // nil where it could not be

	over bool // closed; under dir.mu
}

// Attr is known without opening the archive.
func (s *session) Attr() tree.Attr { return tree.Attr{Perm: 0o555, MTime: s.item.ModTime} }

func (s *session) Version() uint64 { return s.version }

func (s *session) Entries() ([]tree.Entry, error) {
	root, err := s.enter()
	if err != nil {
		return nil, err
	}
	return root.Entries()
}

func (s *session) Lookup(name string) (tree.Node, error) {
	root, err := s.enter()
	if err != nil {
		return nil, err
	}
	return root.Lookup(name)
}

// Use does not wait for an archive that is being opened.
func (s *session) Use() error { return s.dir.use(s) }

// enter opens the archive if that was not done yet.
func (s *session) enter() (tree.Dir, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Use(); err != nil {
		return nil, err
	}
	if s.root == nil {
		s.open()
	}
	return s.root, nil
}

// open opens the archive, or, where that fails, makes a folder of the error.
// No more of them are opened at once than there are processors.
func (s *session) open() {
	s.dir.opening <- struct{}{}
	defer func() { <-s.dir.opening }()
	var err error
	s.root, s.content, err = s.dir.open(s.item)
	if err != nil {
		text := []byte(escape.String(err.Error()) + "\n")
		s.root = tree.NewDir(s.Attr(), []tree.Entry{{Name: "error", Node: tree.Bytes(tree.Attr{Perm: 0o444, MTime: s.item.ModTime}, text)}})
	}
	s.dir.opened(s, err)
}

// Close closes the archive. The session is of no use any more.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil || s.Use() != nil {
		return nil
	}
	s.dir.end(s)
	if s.content == nil {
		return nil
	}
	return s.content.Close()
}

// open opens the checkpoint that an item is.
func (d *Dir) open(item Item) (tree.Dir, io.Closer, error) {
	f, err := d.folder.Open(item)
	if err != nil {
		return nil, nil, err
	}
	a, err := archive.OpenFile(f, d.opts.Spool)
	if err != nil {
		return nil, nil, err
	}
	ck, err := decoder.Open(a, decoder.Options{Spool: d.opts.Spool})
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	opts := d.opts.Layout
	opts.MountPoint = path.Join(opts.MountPoint, item.Name)
	return layout.Root(ck, opts), ck, nil
}

// forGood tells whether the error of an archive is its own fault, so that it
// will be no better the next time.
func forGood(err error) bool {
	var notArchive *archive.NotArchiveError
	var format *archive.FormatError
	var notCheckpoint *decoder.NotCheckpointError
	return err == nil || errors.As(err, &notArchive) || errors.As(err, &format) || errors.As(err, &notCheckpoint)
}
