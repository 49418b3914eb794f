// Package escape makes text from a checkpoint safe to print: bytes that would
// move the cursor, ring the bell or reverse the writing direction are shown
// as escapes.
package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// String returns s with every control character, every byte that is not
// UTF-8 and every bidirectional control of Unicode as \xNN or \uNNNN. The
// backslash is doubled, so that nothing in a checkpoint can pose as an escape.
func String(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == utf8.RuneError && n == 1, r < 0x80 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

// unsafe tells whether a terminal would obey r rather than show it.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// JSON escapes in JSON what String would escape and encoding/json does not:
// DEL, the C1 controls and the bidirectional ones. They can stand in strings
// only, where an escape means the same.
func JSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != '\n' && unsafe(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
