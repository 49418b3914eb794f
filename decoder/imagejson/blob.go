package imagejson

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Inline is how many bytes of a field, or of a payload, stand in the text. Of
// more there is a reference.
const Inline = 64 << 10

// encoding is how a field of bytes is shown.
func (f *field) encoding() func([]byte) string {
	if f.opts.GetConv() == "unix_name" {
		return quotedPrintable
	}
	return base64Lines
}

// blob writes bytes that stand at that offset of the image.
func (p *printer) blob(encode func([]byte) string, b []byte, at int64) {
	if len(b) > Inline {
		p.reference(at, int64(len(b)))
		return
	}
	p.string(encode(b))
}

// reference writes where bytes are that are not in the text.
func (p *printer) reference(at, length int64) {
	p.open('{')
	p.key("source")
	p.string(p.image.Source)
	p.key("offset")
	p.literal(fmt.Sprint(at))
	p.key("length")
	p.literal(fmt.Sprint(length))
	p.close('}')
}

// following writes the n bytes that follow in the image.
func (p *printer) following(r *criu.Reader, n int64) error {
	at := r.Offset()
	if n > Inline {
		p.reference(at, n)
		return r.SkipPayload(n)
	}
	b, err := r.Payload(n)
	if err != nil {
		return err
	}
	p.blob(base64Lines, b, at)
	return nil
}

// base64Lines encodes bytes in lines of 76, each with its end.
//
// Source: RFC 2045, section 6.8.
func base64Lines(b []byte) string {
	const bytesPerLine = 57
	var s strings.Builder
	for len(b) > 0 {
		n := min(len(b), bytesPerLine)
		s.WriteString(base64.StdEncoding.EncodeToString(b[:n]))
		s.WriteByte('\n')
		b = b[n:]
	}
	return s.String()
}

// quotedPrintable encodes bytes as text of lines of at most 76. It differs from
// what crit does with names in which there is an end of line, which is encoded
// here, and left alone there.
//
// Source: RFC 2045, section 6.7.
func quotedPrintable(b []byte) string {
	const longest = 76
	var s strings.Builder
	line := 0
	for i, c := range b {
		last := i == len(b)-1
		code := string(rune(c))
		if c < ' ' && c != '\t' || c > '~' || c == '=' || last && (c == ' ' || c == '\t') {
			code = fmt.Sprintf("=%02X", c)
		}
		// A line that goes on has a "=" at its end.
		if line+len(code) >= longest && (!last || len(code) > 1) {
			s.WriteString("=\n")
			line = 0
		}
		s.WriteString(code)
		line += len(code)
	}
	return s.String()
}
