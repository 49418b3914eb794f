package tree

import (
	"cmp"
	"slices"
	"sync"
)

// NewDir returns a directory that lists entries in the order given. The
// caller must not change the slice afterwards.
func NewDir(attr Attr, entries []Entry) Dir {
	l := newListing(entries)
	return &dir{attr, func() (*listing, error) { return l, nil }}
}

// LazyDir returns a directory whose entries are made by list when they are
// first asked for, and kept. So is its error: what cannot be decoded today
// cannot be decoded a second time.
func LazyDir(attr Attr, list func() ([]Entry, error)) Dir {
	return &dir{attr, sync.OnceValues(func() (*listing, error) {
		entries, err := list()
		if err != nil {
			return nil, err
		}
		return newListing(entries), nil
	})}
}

// LateDir is LazyDir with attributes that attr makes when they are first asked
// for.
func LateDir(attr func() Attr, list func() ([]Entry, error)) Dir {
	return &lateDir{LazyDir(Attr{}, list), sync.OnceValue(attr)}
}

type lateDir struct {
	Dir
	attr func() Attr
}

func (d *lateDir) Attr() Attr { return d.attr() }

type dir struct {
	attr    Attr
	listing func() (*listing, error)
}

func (d *dir) Attr() Attr { return d.attr }

func (d *dir) Entries() ([]Entry, error) {
	l, err := d.listing()
	if err != nil {
		return nil, err
	}
	return l.entries, nil
}

func (d *dir) Lookup(name string) (Node, error) {
	l, err := d.listing()
	if err != nil {
		return nil, err
	}
	return l.lookup(name)
}

// A listing finds names by binary search over an index of 4 bytes an entry: a
// map would cost more than ten times that, and a rootfs-diff can have a
// million files.
type listing struct {
	entries []Entry
	byName  []int32 // positions in entries, in the order of their names
}

func newListing(entries []Entry) *listing {
	byName := make([]int32, len(entries))
	for i := range byName {
		byName[i] = int32(i)
	}
	// A stable sort, so that of two entries of one name the first is found.
	slices.SortStableFunc(byName, func(a, b int32) int {
		return cmp.Compare(entries[a].Name, entries[b].Name)
	})
	return &listing{entries, byName}
}

func (l *listing) lookup(name string) (Node, error) {
	i, found := slices.BinarySearchFunc(l.byName, name, func(i int32, name string) int {
		return cmp.Compare(l.entries[i].Name, name)
	})
	if !found {
		return nil, ErrNotExist
	}
	return l.entries[l.byName[i]].Node, nil
}
