package treetest

import (
	"bytes"
	"errors"
	"io"
	"testing/iotest"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// wholeLimit is the size in bytes up to which a file is read whole.
const wholeLimit = 1 << 20

func (c *checker) file(name string, f tree.File) {
	c.Helper()
	content, err := f.Content()
	if err != nil {
		c.Errorf("%s: Content: %v", name, err)
		return
	}
	var data []byte
	_, addressed := content.(tree.Memory)
	switch {
	case addressed:
	case content.Size() <= wholeLimit:
		data = c.whole(name, content)
	default:
		c.samples(name, content)
	}
	if e, ok := content.(tree.Extents); ok {
		if size := c.extents(name, e, data); !addressed && size != content.Size() {
			c.Errorf("%s: extents end at %d, Size() = %d", name, size, content.Size())
		}
	}
}

func (c *checker) whole(name string, content tree.Content) []byte {
	c.Helper()
	data := make([]byte, content.Size())
	if n, err := content.ReadAt(data, 0); n != len(data) || (err != nil && !errors.Is(err, io.EOF)) {
		c.Errorf("%s: ReadAt(%d bytes, 0) = %d, %v", name, len(data), n, err)
		return nil
	}
	if err := iotest.TestReader(io.NewSectionReader(content, 0, content.Size()), data); err != nil {
		c.Errorf("%s: %v", name, err)
	}
	c.end(name, content)
	return data
}

// samples reads a large file at a few offsets that lie in the middle of
// pages, then at its end.
func (c *checker) samples(name string, content tree.Content) {
	c.Helper()
	buf := make([]byte, 8192)
	for i := range int64(16) {
		off := content.Size() / 17 * i
		n, err := content.ReadAt(buf, off)
		if n < len(buf) && err == nil {
			c.Errorf("%s: ReadAt(%d bytes, %d) = %d, nil; want an error with a short read", name, len(buf), off, n)
		}
	}
	c.end(name, content)
}

func (c *checker) end(name string, content tree.Content) {
	c.Helper()
	size := content.Size()
	for _, tt := range []struct {
		off  int64
		want int
	}{{size - 1, 1}, {size, 0}, {size + 4096, 0}} {
		if tt.off < 0 {
			continue
		}
		if n, err := content.ReadAt(make([]byte, 10), tt.off); n != tt.want || !errors.Is(err, io.EOF) {
			c.Errorf("%s: ReadAt(10 bytes, %d) = %d, %v, want %d, EOF", name, tt.off, n, err, tt.want)
		}
	}
}

// extents walks the extents and returns where they end. Data is what the file
// holds, or nil where that is not known: its holes must read as zeros.
func (c *checker) extents(name string, e tree.Extents, data []byte) (end int64) {
	c.Helper()
	var off, sum int64
	for {
		start, err := e.NextData(off)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || start < off {
			c.Errorf("%s: NextData(%#x) = %#x, %v", name, off, start, err)
			return off
		}
		if start > off {
			c.hole(name, e, off, start)
			c.zero(name, data, off, start)
		}
		stop, err := e.NextHole(start)
		if err != nil || stop <= start {
			c.Errorf("%s: NextHole(%#x) = %#x, %v, in data", name, start, stop, err)
			return off
		}
		if n, err := e.NextData(stop - 1); n != stop-1 || err != nil {
			c.Errorf("%s: NextData(%#x) = %#x, %v, in data", name, stop-1, n, err)
		}
		sum += stop - start
		off = stop
	}
	if sum != e.DataSize() {
		c.Errorf("%s: DataSize() = %d, extents sum up to %d", name, e.DataSize(), sum)
	}
	if _, ok := e.(tree.Memory); ok {
		return off // an address space has no end that matters
	}
	if f, ok := e.(tree.Content); ok && f.Size() > off { // a hole at the end
		c.hole(name, e, off, f.Size())
		c.zero(name, data, off, f.Size())
		off = f.Size()
	}
	if _, err := e.NextHole(off); !errors.Is(err, io.EOF) {
		c.Errorf("%s: NextHole(%#x) = %v at the end, want EOF", name, off, err)
	}
	return off
}

// hole checks that the ends of the hole [start, end) are where it begins.
func (c *checker) hole(name string, e tree.Extents, start, end int64) {
	c.Helper()
	for _, off := range []int64{start, end - 1} {
		if n, err := e.NextHole(off); n != off || err != nil {
			c.Errorf("%s: NextHole(%#x) = %#x, %v, in a hole", name, off, n, err)
		}
	}
}

func (c *checker) zero(name string, data []byte, start, end int64) {
	c.Helper()
	if end <= int64(len(data)) && len(bytes.Trim(data[start:end], "\x00")) > 0 {
		c.Errorf("%s: the hole [%#x, %#x) is not all zeros", name, start, end)
	}
}
