package archive

import (
	"bytes"
	"cmp"
	"compress/bzip2"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// form is a form that an archive can have.
type form struct {
	name   string
	magic  string
	expand func(io.Reader) (io.Reader, error) // nil for a plain tar
}

// maxWindow bounds the memory that a compressed stream can claim for
// decompression, in bytes. zstd's own tool does not go above 128 MiB unless
// it is told to (zstd --long=31), and xz's highest preset uses 64 MiB.
const maxWindow = 256 << 20

var forms = []form{
	{"tar.gz", "\x1f\x8b", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"tar.bz2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{"tar.xz", "\xfd7zXZ\x00", newXZ},
	{"tar.zst", "\x28\xb5\x2f\xfd", newZstd},
}

// newXZ uses a decoder that bounds the dictionary: the other well-known one
// takes the 4 GiB that a header of a few bytes can ask for.
func newXZ(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxWindow) }

func newZstd(r io.Reader) (io.Reader, error) {
	// One goroutine is faster than the asynchronous default.
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// Likeness tells how much a file is like an archive.
type Likeness uint8

// What a file can be.
const (
	Unlike  Likeness = iota // something else, such as a text or a program
	Unknown                 // nothing that is known: it may be a damaged archive
	Alike                   // an archive
)

// Liken looks at the first bytes of a file.
func Liken(r io.ReaderAt) (Likeness, error) {
	head, err := readHead(r)
	if err != nil {
		return Unknown, err
	}
	_, isCompressed := compressed(head)
	switch {
	case isCompressed, isSkippable(head), startsTar(head):
		return Alike, nil
	case len(head) == 0, known(head) == "":
		return Unknown, nil
	default:
		return Unlike, nil
	}
}

func readHead(r io.ReaderAt) ([]byte, error) {
	head := make([]byte, block)
	n, err := r.ReadAt(head, 0)
	if n < len(head) && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}

// sniff tells the form of a file by its first bytes.
func sniff(r io.ReaderAt) (form, error) {
	head, err := readHead(r)
	if err != nil {
		return form{}, err
	}
	if f, ok := compressed(head); ok {
		return f, nil
	}
	switch {
	case isSkippable(head):
		return forms[len(forms)-1], nil
	case startsTar(head):
		return form{name: "tar"}, nil
	}
	return form{}, &NotArchiveError{describe(head)}
}

// compressed is the form of a compressed archive with that head.
func compressed(head []byte) (form, bool) {
	for _, f := range forms {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f, true
		}
	}
	return form{}, false
}

// isSkippable tells whether a zstd stream begins with a frame of user data
// (RFC 8878, 3.1.2).
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18
}

// describe says what a file is that is no archive.
func describe(head []byte) string {
	if f, ok := compressed(head); ok {
		return "compressed as a " + f.name + " is"
	}
	return cmp.Or(known(head), "a file of unknown format, or a tar with a broken first header")
}

// known says what a file is that is no archive, as far as it is obvious, or
// "".
func known(head []byte) string {
	switch {
	case len(head) == 0:
		return "an empty file"
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return "an ELF file"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a zip file"
	case bytes.HasPrefix(head, []byte("\x04\x22\x4d\x18")):
		return "compressed with lz4"
	case utf8.Valid(head) && !bytes.ContainsRune(head, 0):
		return "a text file"
	default:
		return ""
	}
}
