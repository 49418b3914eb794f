package collection

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

const (
	// maxOpen is how many checkpoints are open while nobody uses them.
	maxOpen = 32
	// maxIdle is how long one of them stays open.
	maxIdle = 5 * time.Minute
	// round is the time between two looks at them.
	round = 10 * time.Second
	// patience is how long what could not be opened is not tried again.
	patience = time.Second
)

// Tend closes the checkpoints that are not used any more, until ctx is done:
// those that were idle for long, those whose file is gone, and, where there are
// too many, those that were used longest ago. It does not close them itself,
// for it does not know whether a file in them is open: letGo is to see to it
// that the session of that name is closed as soon as it is not in use.
func (d *Dir) Tend(ctx context.Context, letGo func(name string)) {
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-d.crowded:
		}
		for _, name := range d.unused() {
			letGo(name)
		}
	}
}

// unused lists the sessions to be closed.
func (d *Dir) unused() []string {
	d.mu.Lock()
	type used struct {
		*session
		at time.Time
	}
	var open []used
	for s, at := range d.sessions {
		open = append(open, used{s, at})
	}
	d.mu.Unlock()
	slices.SortFunc(open, func(a, b used) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.item.Name, b.item.Name)) })
	var names []string
	for i, s := range open {
		if len(open)-i > maxOpen || time.Since(s.at) >= maxIdle || d.gone(s.item) {
			names = append(names, s.item.Name)
		}
	}
	return names
}

// gone tells whether an item has been removed or is another one by now.
func (d *Dir) gone(item Item) bool {
	now, err := d.folder.Stat(item.Name)
	return err != nil || now.id != item.id
}

// opened notes that a session has been opened, or that this failed.
func (d *Dir) opened(s *session, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions[s] = time.Now()
	if !forGood(err) {
		d.versions[s.item.Name] = version{d.versions[s.item.Name].n, time.Now().Add(patience)}
	}
	if len(d.sessions) > maxOpen {
		select {
		case d.crowded <- struct{}{}:
		default: // it is known
		}
	}
}

// use notes that a session is used.
func (d *Dir) use(s *session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.over {
		return tree.ErrStale
	}
	if _, open := d.sessions[s]; open {
		d.sessions[s] = time.Now()
	}
	return nil
}

// end notes that a session is closed: the next of its name is another one,
// unless that is so already.
func (d *Dir) end(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.over = true
	delete(d.sessions, s)
	if v := d.versions[s.item.Name]; d.hash(s.item, v) == s.version {
		d.versions[s.item.Name] = version{n: v.n + 1}
	}
}

// Close closes all checkpoints and the folder.
func (d *Dir) Close() error {
	d.mu.Lock()
	var open []*session
	for s := range d.sessions {
		open = append(open, s)
	}
	d.mu.Unlock()
	var errs []error
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, d.folder.Close())...)
}
