package imagejson

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// raw writes an image that has no magic, and so no entries: what another
// program wrote for CRIU, or nothing.
//
// Source: criu/net.c:dump_net_ns, which calls ip and iptables-save;
// criu/filesystems.c:tmpfs_dump, which calls tar.
func (p *printer) raw() error {
	return p.file("", func() error {
		if p.image.Size == 0 {
			return nil
		}
		p.element()
		p.open('{')
		defer p.close('}')
		if p.image.Size > Inline {
			p.key("extra")
			p.reference(0, p.image.Size)
			return nil
		}
		b := make([]byte, p.image.Size)
		if _, err := io.ReadFull(io.NewSectionReader(p.image, 0, p.image.Size), b); err != nil {
			return err
		}
		if isText(string(b)) {
			p.key("text")
			p.string(string(b))
		} else {
			p.key("extra")
			p.string(base64Lines(b))
		}
		return nil
	})
}

// isText tells whether s is UTF-8 without control characters but those that
// text has.
func isText(s string) bool {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }
	return utf8.ValidString(s) && !strings.ContainsFunc(s, control)
}
