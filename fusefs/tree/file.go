package tree

import (
	"bytes"
	"io"
	"sync"
)

// Bytes returns a file that holds b. The caller must not change b afterwards.
func Bytes(attr Attr, b []byte) File {
	return &file{attr, func() (Content, error) { return bytes.NewReader(b), nil }}
}

// Text returns a file whose content is what render writes. It is rendered
// when the file is first looked at, for its size must be known by then, and
// kept. A render that fails leaves a file that cannot be opened.
func Text(attr Attr, render func(io.Writer) error) File {
	return ContentFile(attr, textOf(render))
}

// ContentFile returns a file whose content is made by open when it is first
// asked for, and kept.
func ContentFile(attr Attr, open func() (Content, error)) File {
	return &file{attr, sync.OnceValues(open)}
}

// VolatileText returns a file whose content is rendered anew each time it is
// opened or looked at.
func VolatileText(attr Attr, render func(io.Writer) error) Volatile {
	return &volatile{file{attr, textOf(render)}}
}

func textOf(render func(io.Writer) error) func() (Content, error) {
	return func() (Content, error) { return rendered(render, nil) }
}

// rendered renders a text. It calls large when it is known to be a large one.
func rendered(render func(io.Writer) error, large func()) (packed, error) {
	text := textWriter{large: large}
	if err := render(&text); err != nil {
		return nil, err
	}
	return text.content(), nil
}

type file struct {
	attr    Attr
	content func() (Content, error)
}

func (f *file) Attr() Attr                { return f.attr }
func (f *file) Content() (Content, error) { return f.content() }

type volatile struct{ file }

func (*volatile) Volatile() {}
