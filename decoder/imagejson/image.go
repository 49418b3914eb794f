package imagejson

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Image is an image to show.
type Image struct {
	io.ReaderAt
	Size   int64  // in bytes
	Name   string // of the member, for errors
	Source string // path in the mount, for bytes that are not in the text
}

// Write writes the image as JSON. Where the image does not have the form that
// it should have, the error is a [*criu.FormatError], and what was written
// before it is of no use.
func Write(w io.Writer, image Image) error {
	p := &printer{writer: newWriter(w), image: image, schema: loadSchema()}
	if err := p.print(); err != nil {
		return err
	}
	return p.flush()
}

// printer writes one image.
type printer struct {
	*writer
	*schema
	image Image
}

func (p *printer) print() error {
	magic, framed, err := readMagic(p.image)
	if err != nil {
		return err
	}
	t, known := imageTypes[magic]
	switch {
	case !known && !framed:
		return p.raw()
	case !known:
		t = imageType{name: magic.String()}
	}
	r, err := criu.NewReader(p.image.Name, p.image, p.image.Size, magic)
	if err != nil {
		return err
	}
	return p.file(t.name, func() error { return p.entries(t, r) })
}

// readMagic is the magic of an image's type, and whether one of those that
// CRIU's images begin with stands before it. It is 0 where the image ends.
func readMagic(image Image) (magic criu.Magic, framed bool, err error) {
	var b [8]byte
	if _, err := image.ReadAt(b[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, false, err
	}
	magic = criu.Magic(binary.LittleEndian.Uint32(b[:]))
	if magic == criu.MagicCommon || magic == criu.MagicService {
		return criu.Magic(binary.LittleEndian.Uint32(b[4:])), true, nil
	}
	return magic, false, nil
}

// errorf is an error at that offset of the image.
func (p *printer) errorf(at int64, format string, args ...any) error {
	return &criu.FormatError{Image: p.image.Name, Offset: at, Err: fmt.Errorf(format, args...)}
}

// file writes what surrounds the entries.
func (p *printer) file(magic string, entries func() error) error {
	p.open('{')
	p.key("magic")
	if magic == "" {
		p.literal("null")
	} else {
		p.string(magic)
	}
	p.key("entries")
	p.open('[')
	if err := entries(); err != nil {
		return err
	}
	p.close(']')
	p.close('}')
	p.literal("\n")
	return nil
}

// entries writes those of an image, one after the other.
func (p *printer) entries(t imageType, r *criu.Reader) error {
	for i := 0; ; i++ {
		entry, at, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		name := t.message
		if i > 0 && t.rest != "" {
			name = t.rest
		}
		p.element()
		p.open('{')
		if err := p.fields(body{message: p.messages[name], bytes: entry, at: at}); err != nil {
			return err
		}
		if t.payload != nil {
			if err := t.payload(p, payloadOf{r, p.messages[name], entry, i == 0}); err != nil {
				return err
			}
		}
		p.close('}')
		if p.err != nil {
			return p.err
		}
	}
}
