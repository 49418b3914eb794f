package tree

// MadeDir returns a directory whose entries are made each time that somebody
// asks for them, and not kept: for large ones of which there are many alike.
// lookup gives nil for a name that is not there.
func MadeDir(attr Attr, list func() []Entry, lookup func(name string) Node) Dir {
	return &madeDir{attr, list, lookup}
}

type madeDir struct {
	attr   Attr
	list   func() []Entry
	lookup func(string) Node
}

func (d *madeDir) Attr() Attr                { return d.attr }
func (d *madeDir) Entries() ([]Entry, error) { return d.list(), nil }

func (d *madeDir) Lookup(name string) (Node, error) {
	if n := d.lookup(name); n != nil {
		return n, nil
	}
	return nil, ErrNotExist
}
