package imagejson

import (
	"bufio"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// writer writes JSON, indented by four blanks. An error of the writer below
// stays in err, and all that is written after it is dropped.
type writer struct {
	w     *bufio.Writer
	depth int
	empty bool // nothing stands yet in what was opened last
	err   error
}

func newWriter(w io.Writer) *writer {
	return &writer{w: bufio.NewWriterSize(w, 64<<10)}
}

func (w *writer) flush() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

// open begins an object or a list.
func (w *writer) open(bracket byte) {
	w.literal(string(bracket))
	w.depth++
	w.empty = true
}

// close ends it.
func (w *writer) close(bracket byte) {
	w.depth--
	if !w.empty {
		w.line()
	}
	w.literal(string(bracket))
	w.empty = false
}

// element begins an element of a list.
func (w *writer) element() {
	if !w.empty {
		w.literal(",")
	}
	w.line()
	w.empty = false
}

// key begins a member of an object.
func (w *writer) key(name string) {
	w.element()
	w.string(name)
	w.literal(": ")
}

func (w *writer) line() {
	w.literal("\n")
	for range w.depth {
		w.literal("    ")
	}
}

// literal writes what is JSON already.
func (w *writer) literal(s string) {
	if w.err == nil {
		_, w.err = w.w.WriteString(s)
	}
}

// quoted writes a string of that form, in which nothing needs an escape.
func (w *writer) quoted(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, `"`+format+`"`, args...)
	}
}

// string writes a string.
func (w *writer) string(s string) {
	if clean(s) {
		w.literal(`"`)
		w.literal(s)
		w.literal(`"`)
		return
	}
	w.literal(`"`)
	valid := utf8.ValidString(s)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			w.literal(fmt.Sprintf(`\\x%02x`, s[i]))
		case r == '\\' && !valid:
			w.literal(`\\\\`)
		default:
			w.rune(r, s[i:i+size])
		}
		i += size
	}
	w.literal(`"`)
}

// clean tells whether s stands in JSON as it is.
func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// rune writes a rune of a string, given also as it is encoded.
func (w *writer) rune(r rune, encoded string) {
	switch {
	case r == '\n':
		w.literal(`\n`)
	case r == '\t':
		w.literal(`\t`)
	case r == '\r':
		w.literal(`\r`)
	case r == '\b':
		w.literal(`\b`)
	case r == '\f':
		w.literal(`\f`)
	case r == '"', r == '\\':
		w.literal(`\` + encoded)
	case r >= ' ' && r <= '~':
		w.literal(encoded)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		w.literal(fmt.Sprintf(`\u%04x\u%04x`, high, low))
	default:
		w.literal(fmt.Sprintf(`\u%04x`, r))
	}
}
