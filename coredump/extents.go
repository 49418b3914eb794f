package coredump

import (
	"io"
	"iter"

	"github.com/ckptfs/ckptfs/decoder"
)

// DataSize is the number of bytes of the core file that are not in holes.
func (c *Core) DataSize() int64 { return c.dataSize }

// NextData is the offset of the first byte from off on that is not in a
// hole, as lseek(2) with SEEK_DATA. The error is io.EOF where there is none.
func (c *Core) NextData(off int64) (int64, error) {
	if off < 0 || off >= c.Size() {
		return 0, io.EOF
	}
	for at, data := range c.extents(off) {
		if data {
			return at, nil
		}
	}
	return 0, io.EOF
}

// NextHole is the offset of the first byte from off on that is in a hole, as
// lseek(2) with SEEK_HOLE. The end of the file counts as a hole. The error is
// io.EOF where off is not in the file.
func (c *Core) NextHole(off int64) (int64, error) {
	if off < 0 || off >= c.Size() {
		return 0, io.EOF
	}
	for at, data := range c.extents(off) {
		if !data {
			return at, nil
		}
	}
	return c.Size(), nil
}

// extents yields the offsets from off on at which a stretch of data (true) or
// of a hole (false) begins. Stretches of one kind may follow each other.
func (c *Core) extents(off int64) iter.Seq2[int64, bool] {
	return func(yield func(int64, bool) bool) {
		if off < c.headSize && !yield(off, true) {
			return
		}
		for i := c.find(off); i < len(c.parts); i++ {
			p := &c.parts[i]
			rest := decoder.Range{Start: p.addr(max(off, p.off)), End: p.End}
			for r, data := range c.mem.Runs(rest) {
				if !yield(p.offset(r.Start), data) {
					return
				}
			}
		}
		if len(c.tail) > 0 {
			yield(max(off, c.tailOff), true)
		}
	}
}
