package criu

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxEntry is the size in bytes above which an entry is taken for damage. The
// largest that occur are mm images: one of 70,000 mappings has 2.6 MB.
const MaxEntry = 64 << 20

// maxEmpty is how many entries of an image may have no byte. Nearly all messages
// have a field that must be there, and zeros without end, which take no room in a
// sparse or compressed archive, are that many entries.
const maxEmpty = 1000

// FormatError says where an image does not have the form it should have.
type FormatError struct {
	Image  string // name of the member
	Offset int64  // in the image, in bytes
	Err    error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: offset %d: %v", e.Image, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// Reader reads the entries of an image one after the other. It is not safe
// for concurrent use.
type Reader struct {
	name  string
	at    io.ReaderAt
	r     *bufio.Reader
	off   int64 // of the next unread byte
	size  int64 // of the image
	word  [4]byte
	empty int // entries of no byte so far
	buf   []byte
}

// NewReader starts reading the image of that name and size and checks that it
// is of the type want. The error is a [*FormatError].
func NewReader(name string, r io.ReaderAt, size int64, want Magic) (*Reader, error) {
	d := &Reader{
		name: name,
		at:   r,
		r:    bufio.NewReaderSize(io.NewSectionReader(r, 0, size), int(min(max(size, 16), 64<<10))),
		size: size,
	}
	magic, err := d.uint32()
	if m := Magic(magic); err == nil && (m == MagicCommon || m == MagicService) {
		magic, err = d.uint32()
	}
	if err != nil {
		return nil, d.errorAt(d.off, fmt.Errorf("reading the magic: %w", err))
	}
	if Magic(magic) != want {
		return nil, d.errorAt(d.off-4, fmt.Errorf("magic %v, want %v", Magic(magic), want))
	}
	return d, nil
}

// Next returns the bytes of the next entry, valid until the call after, and
// the offset at which they begin. At the end of the image the error is
// io.EOF; any other is a [*FormatError].
func (d *Reader) Next() (entry []byte, off int64, err error) {
	if d.off == d.size {
		return nil, d.off, io.EOF
	}
	start := d.off
	n, err := d.uint32()
	if err != nil {
		return nil, start, d.errorAt(start, fmt.Errorf("reading the size of an entry: %w", err))
	}
	if n == 0 {
		if d.empty++; d.empty > maxEmpty {
			return nil, start, d.errorAt(start, fmt.Errorf("more than %d entries without a byte", maxEmpty))
		}
	}
	left := d.size - d.off
	if int64(n) > left {
		return nil, start, d.errorAt(start, fmt.Errorf("an entry of %d bytes where %d are left", n, left))
	}
	if n > MaxEntry {
		return nil, start, d.errorAt(start, fmt.Errorf("an entry of %d bytes; none is larger than %d", n, MaxEntry))
	}
	if err := d.fill(int(n)); err != nil {
		return nil, start, d.errorAt(d.off, fmt.Errorf("reading an entry of %d bytes: %w", n, err))
	}
	d.off += int64(n)
	return d.buf, start + 4, nil
}

// Entry is the bytes of the entry read last, valid until the next call of Next
// or Payload.
func (d *Reader) Entry() []byte { return d.buf }

// Payload returns the n raw bytes that follow the entry read last, valid until
// the next call.
func (d *Reader) Payload(n int64) ([]byte, error) {
	if n < 0 || n > min(d.size-d.off, MaxEntry) {
		return nil, d.errorAt(d.off, fmt.Errorf("a payload of %d bytes where %d are left", n, d.size-d.off))
	}
	if err := d.fill(int(n)); err != nil {
		return nil, d.errorAt(d.off, fmt.Errorf("reading a payload of %d bytes: %w", n, err))
	}
	d.off += n
	return d.buf, nil
}

// SkipPayload passes over the n raw bytes that follow the entry read last.
// It reads none of them that have not been read ahead.
func (d *Reader) SkipPayload(n int64) error {
	if n < 0 || n > d.size-d.off {
		return d.errorAt(d.off, fmt.Errorf("a payload of %d bytes where %d are left", n, d.size-d.off))
	}
	d.off += n
	if n > int64(d.r.Buffered()) {
		d.r.Reset(io.NewSectionReader(d.at, d.off, d.size-d.off))
		return nil
	}
	_, err := d.r.Discard(int(n))
	return err
}

// Offset is where the next unread byte is in the image: behind an entry that
// was just read, that of its payload.
func (d *Reader) Offset() int64 { return d.off }

// Errorf is a [*FormatError] at off in the image.
func (d *Reader) Errorf(off int64, format string, args ...any) error {
	return d.errorAt(off, fmt.Errorf(format, args...))
}

// fill makes d.buf the next n bytes. A size is only a claim until the bytes
// are there, so the buffer grows by no more than it has been given already.
func (d *Reader) fill(n int) error {
	const step = 1 << 20
	d.buf = d.buf[:0]
	for len(d.buf) < n {
		have := len(d.buf)
		want := min(n, have+max(have, step))
		if cap(d.buf) < want {
			d.buf = append(make([]byte, 0, want), d.buf...)
		}
		d.buf = d.buf[:want]
		if _, err := io.ReadFull(d.r, d.buf[have:]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Reader) uint32() (uint32, error) {
	if _, err := io.ReadFull(d.r, d.word[:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	d.off += 4
	return binary.LittleEndian.Uint32(d.word[:]), nil
}

func (d *Reader) errorAt(off int64, err error) error {
	return &FormatError{Image: d.name, Offset: off, Err: err}
}
