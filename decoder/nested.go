package decoder

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// nestedTars are the tars inside the archive, each opened once, when it is
// first asked for. It is safe for concurrent use.
type nestedTars struct {
	spool archive.Options
	warn  *Warnings

	mu     sync.Mutex
	opened map[string]nestedTar
}

type nestedTar struct {
	*archive.Archive
	err error
}

// open opens the member of that name. A missing one is an error that wraps
// ErrMissing.
func (n *nestedTars) open(im *images, name string) (*archive.Archive, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t, ok := n.opened[name]; ok {
		return t.Archive, t.err
	}
	if n.opened == nil {
		n.opened = make(map[string]nestedTar)
	}
	var t nestedTar
	if m := im.member(name); m == nil {
		t.err = ErrMissing
	} else {
		t.Archive, t.err = archive.OpenNested(m, m.Size(), n.spool)
	}
	if t.err != nil {
		t.err = fmt.Errorf("%s: %w", name, t.err)
	} else {
		for _, err := range t.Damage() {
			n.warn.Addf("%s: %w", name, err)
		}
	}
	n.opened[name] = t
	return t.Archive, t.err
}

// Close closes all that were opened.
func (n *nestedTars) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, t := range n.opened {
		if t.Archive != nil {
			errs = append(errs, t.Close())
		}
	}
	clear(n.opened)
	return errors.Join(errs...)
}
