package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool expands a compressed archive of that size into a file without a
// name, and returns it and its size. Where the stream breaks off, what came
// out until then is kept, and damage says why it ended.
func spool(f io.Reader, compressed int64, form form, opts Options) (out *os.File, size int64, damage, err error) {
	count := &counter{Reader: f}
	if opts.Progress != nil {
		progress := opts.Progress(form.name, compressed)
		defer progress.Close()
		count.Reader = io.TeeReader(f, progress)
	}
	in := bufio.NewReaderSize(count, 1<<20)
	expanded, err := form.expand(in)
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
	dir, err := SpoolDir(opts.SpoolDir)
	if err != nil {
		return nil, 0, nil, err
	}
	newFile := SpoolFile
	if opts.SpoolFile != nil {
		newFile = opts.SpoolFile
	}
	out, err = newFile(dir)
	if err != nil {
		return nil, 0, nil, &SpoolError{dir, err}
	}
	w := &sparseWriter{file: out, dir: dir, limit: opts.Room.expand(compressed)}
	var content io.Reader = buffered
	if opts.Head > 0 {
		content = io.LimitReader(buffered, opts.Head)
	}
	damage, err = w.copy(content)
	opts.Room.expanded(w.size)
	if err != nil {
		out.Close()
		return nil, 0, nil, w.explain(err, count.n-int64(in.Buffered()), compressed)
	}
	return out, w.size, damage, nil
}

// expansionLimit is how many bytes a compressed archive may expand to. Beyond
// it is a compression bomb: a tar of zeros takes no room on disk, but the time
// to write down that there are none. Memory that compresses as well as that
// can be expanded by other tools.
func expansionLimit(compressed int64) int64 {
	const always, ratio = 64 << 30, 200
	if compressed < always/ratio {
		return always
	}
	return min(compressed, 1<<50) * ratio
}

// bombError is the error of what expands to more than that limit.
type bombError struct{ compressed, limit int64 }

func (e *bombError) Error() string {
	return fmt.Sprintf("%d bytes that expand to more than %d: a compression bomb, or else to be expanded by another tool first", e.compressed, e.limit)
}

// counter counts what is read through it.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// unexpected puts the usual error in place of io.EOF inside a stream.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
