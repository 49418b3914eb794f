package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// spoolBlock is the unit of holes in the spool, in bytes: that of the
	// usual file systems.
	spoolBlock = 4 << 10
	// checkEvery is how many bytes are written before the room that is left
	// is looked at again.
	checkEvery = 16 << 20
)

// sparseWriter writes a stream to an empty file and leaves holes for zeros.
type sparseWriter struct {
	file    *os.File
	dir     string // where the file is
	limit   int64  // of size
	size    int64  // of the stream so far
	written int64  // of it, to the file
	checked int64  // written when the room was looked at
}

var (
	errFull    = errors.New("not enough room")
	errTooLong = errors.New("too long")
)

// copy writes the whole of r. It returns the error of reading apart from that
// of writing.
func (w *sparseWriter) copy(r io.Reader) (readErr, writeErr error) {
	buf := make([]byte, 256<<10)
	for readErr == nil {
		var n int
		n, readErr = fill(buf, r)
		if err := w.write(buf[:n]); err != nil {
			return nil, err
		}
	}
	if readErr == io.EOF { //nolint:errorlint // a wrapped one is no proper end
		readErr = nil
	}
	return readErr, w.file.Truncate(w.size)
}

// write appends p, which but for the last time is a multiple of spoolBlock
// long.
func (w *sparseWriter) write(p []byte) error {
	if w.size+int64(len(p)) > w.limit {
		return errTooLong
	}
	for len(p) > 0 {
		hole := blocks(p, true)
		w.size += int64(hole)
		p = p[hole:]
		data := blocks(p, false)
		if data == 0 {
			continue
		}
		if err := w.enoughRoom(); err != nil {
			return err
		}
		if _, err := w.file.WriteAt(p[:data], w.size); err != nil {
			return err
		}
		w.size += int64(data)
		w.written += int64(data)
		p = p[data:]
	}
	return nil
}

// enoughRoom looks now and then whether there is room for more.
func (w *sparseWriter) enoughRoom() error {
	if w.written > 0 && w.written < w.checked+checkEvery {
		return nil
	}
	w.checked = w.written
	if free, reserve := room(w.dir); free <= reserve {
		return errFull
	}
	return nil
}

// explain is the error for an error of copy, when so many bytes of an archive
// of that size had been expanded, and the file is closed again.
func (w *sparseWriter) explain(err error, read, compressed int64) error {
	switch {
	case errors.Is(err, errTooLong):
		return &bombError{compressed, w.limit}
	case errors.Is(err, errFull), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		free, reserve := room(w.dir)
		needed := float64(w.written) * float64(compressed) / float64(max(read, 1))
		return &SpoolError{w.dir, fmt.Errorf("no room: it takes about %d MiB, and %d are free, of which %d stay so",
			int64(needed)>>20, free>>20, reserve>>20)}
	default:
		return &SpoolError{w.dir, err}
	}
}

var zeroBlock [spoolBlock]byte

// blocks is the length of the blocks at the front of p that are zeros, or
// that are not.
func blocks(p []byte, zero bool) int {
	n := 0
	for n < len(p) {
		b := p[n:min(len(p), n+spoolBlock)]
		if zeros(b) != zero {
			break
		}
		n += len(b)
	}
	return n
}

// zeros tells whether p, of no more than a block, is zeros.
func zeros(p []byte) bool { return bytes.Equal(p, zeroBlock[:len(p)]) }

// fill reads until buf is full or r fails, and keeps the error as it is:
// io.ReadFull would make a proper end look like one that comes too early.
func fill(buf []byte, r io.Reader) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}
