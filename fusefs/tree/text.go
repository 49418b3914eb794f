package tree

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"
)

// textBlock is how much of a long text is packed at a time, in bytes.
const textBlock = 256 << 10

// largeText is from how many bytes on texts are rendered one at a time.
const largeText = 16 << 20

// textWriter keeps a text that is written to it: a short one as it is, a long
// one compressed block by block. The mappings of a process, or an image as
// JSON, can make tens of megabytes that compress to a thirtieth, and that are
// kept although most that ask only want to know their size.
type textWriter struct {
	packed [][]byte // blocks of textBlock
	rest   []byte   // what follows them
	large  func()   // called when it gets longer than largeText; nil for nothing
}

func (t *textWriter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(len(p), textBlock-len(t.rest))
		t.rest = append(t.rest, p[:n]...)
		p = p[n:]
		if len(t.rest) == textBlock {
			t.packed = append(t.packed, bytes.Clone(s2.Encode(nil, t.rest)))
			t.rest = t.rest[:0]
			if len(t.packed) == largeText/textBlock && t.large != nil {
				t.large()
			}
		}
	}
	return written, nil
}

// packed is a text as it is kept.
type packed interface {
	Content
	memory() int64 // bytes that it takes
}

// content is what was written.
func (t *textWriter) content() packed {
	if t.packed == nil {
		return shortText{bytes.NewReader(t.rest)}
	}
	size := int64(len(t.packed))*textBlock + int64(len(t.rest))
	return &packedText{blocks: append(t.packed, bytes.Clone(s2.Encode(nil, t.rest))), size: size, at: -1}
}

type shortText struct{ *bytes.Reader }

func (t shortText) memory() int64 { return t.Size() }

// packedText is a long text. It keeps the block that was read last, for the
// next read is most likely of the same.
type packedText struct {
	blocks [][]byte
	size   int64

	mu    sync.Mutex
	at    int // which block is unpacked; -1 for none
	block []byte
}

func (t *packedText) Size() int64 { return t.size }

func (t *packedText) memory() int64 {
	n := int64(textBlock)
	for _, b := range t.blocks {
		n += int64(len(b))
	}
	return n
}

func (t *packedText) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for n < len(p) && off < t.size {
		if err := t.unpack(int(off / textBlock)); err != nil {
			return n, err
		}
		copied := copy(p[n:], t.block[off%textBlock:])
		n += copied
		off += int64(copied)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (t *packedText) unpack(at int) (err error) {
	if at != t.at {
		t.at = -1
		if t.block, err = s2.Decode(t.block, t.blocks[at]); err == nil {
			t.at = at
		}
	}
	return err
}
