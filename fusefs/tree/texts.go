package tree

import (
	"container/list"
	"io"
	"sync"
)

// Texts keeps the texts of files, up to a number of bytes in memory. What
// nobody asked for the longest goes first, and is rendered anew when somebody
// does. It is safe for concurrent use.
type Texts struct {
	most int64

	large sync.Mutex // held while a large text is rendered

	mu   sync.Mutex
	used int64
	kept *list.List // of *text, what was asked for last in front
}

// NewTexts keeps up to most bytes, as they are in memory, and the one text that
// was asked for last, however long it is.
func NewTexts(most int64) *Texts { return &Texts{most: most, kept: list.New()} }

// File returns a file whose content is what render writes, as that of [Text] is
// but for how long it is kept. Render must write the same each time, or fail.
func (t *Texts) File(attr Attr, render func(io.Writer) error) File {
	return &text{attr: attr, texts: t, render: render}
}

type text struct {
	attr   Attr
	texts  *Texts
	render func(io.Writer) error

	mu     sync.Mutex // held while it is rendered
	failed error      // and not rendered again

	// Of texts, and guarded by its mutex.
	content packed
	place   *list.Element // nil where it is not kept
}

func (f *text) Attr() Attr { return f.attr }

func (f *text) Content() (Content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	if c := f.texts.find(f); c != nil {
		return c, nil
	}
	c, err := f.texts.render(f.render)
	if err != nil {
		f.failed = err
		return nil, err
	}
	f.texts.keep(f, c)
	return c, nil
}

// render renders a text, large ones one at a time: who asks for many at once
// must not need the memory for all.
func (t *Texts) render(render func(io.Writer) error) (packed, error) {
	large := false
	defer func() {
		if large {
			t.large.Unlock()
		}
	}()
	return rendered(render, func() {
		t.large.Lock()
		large = true
	})
}

// find returns what is kept of a file; nil for nothing.
func (t *Texts) find(f *text) packed {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.place != nil {
		t.kept.MoveToFront(f.place)
	}
	return f.content
}

// keep keeps the text of a file, in the place of others.
func (t *Texts) keep(f *text, c packed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.content, f.place = c, t.kept.PushFront(f)
	t.used += c.memory()
	for t.used > t.most && t.kept.Len() > 1 {
		last := t.kept.Remove(t.kept.Back()).(*text)
		t.used -= last.content.memory()
		last.content, last.place = nil, nil
	}
}
