package archive

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// spool expands a compressed archive of that size into a file without a
// name, and returns it and its size. Where the stream breaks off, what came
// out until then is kept, and damage says why it ended.
func spool(f io.Reader, compressed int64, form form, opts Options) (out *os.File, size int64, damage, err error) {
	in := f
	if opts.Progress != nil {
		progress := opts.Progress(form.name, compressed)
		defer progress.Close()
		in = io.TeeReader(f, progress)
	}
	expanded, err := form.expand(bufio.NewReaderSize(in, 1<<20))
	if err != nil {
		return nil, 0, nil, &FormatError{0, fmt.Errorf("%s: %w", form.name, unexpected(err))}
	}
	if c, ok := expanded.(io.Closer); ok {
		defer c.Close()
	}
	// What is no tar need not be expanded to the end.
	buffered := bufio.NewReaderSize(expanded, 1<<16)
	head, err := buffered.Peek(block)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, 0, nil, &FormatError{0, fmt.Errorf("the %s stream is damaged, and nothing of it is left: %w", form.name, err)}
	case !startsTar(head):
		return nil, 0, nil, &NotArchiveError{"a " + form.name + " that expands to something else: " + describe(head)}
	}
	dir := cmp.Or(opts.SpoolDir, os.Getenv("TMPDIR"), "/var/tmp")
	out, err = unnamed(dir)
	if err != nil {
		return nil, 0, nil, &SpoolError{dir, err}
	}
	size, damage, err = copySparse(out, buffered)
	if err != nil {
		out.Close()
		return nil, 0, nil, &SpoolError{dir, err}
	}
	return out, size, damage, nil
}

// unnamed makes a file in dir that is gone when it is closed.
func unnamed(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return f, err
	}
	// The file system does not know O_TMPFILE.
	f, err = os.CreateTemp(dir, "ckptfs-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// copySparse writes what r has to f, leaving holes for zeros. It returns the
// error of reading apart from that of writing.
func copySparse(f *os.File, r io.Reader) (size int64, readErr, writeErr error) {
	buf := make([]byte, 64<<10)
	for readErr == nil {
		var n int
		n, readErr = fill(buf, r)
		if n > 0 && !zeros(buf[:n]) {
			if _, err := f.WriteAt(buf[:n], size); err != nil {
				return 0, nil, err
			}
		}
		size += int64(n)
	}
	if readErr == io.EOF { //nolint:errorlint // a wrapped one is no proper end
		readErr = nil
	}
	return size, readErr, f.Truncate(size)
}

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

// unexpected puts the usual error in place of io.EOF inside a stream.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func zeros(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}
