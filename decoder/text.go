package decoder

import "strings"

// cText is a text of an image up to its first NUL: what is behind that neither
// the kernel nor CRIU, which are written in C, could have meant.
func cText(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}
