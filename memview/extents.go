package memview

import (
	"io"
	"math"

	"github.com/ckptfs/ckptfs/decoder"
)

// Mem presents an address space as /proc/pid/mem does: the offset is the
// address.
type Mem struct{ *AddressSpace }

// ReadAt reads at address off; see [AddressSpace.ReadMem].
func (m Mem) ReadAt(p []byte, off int64) (int, error) {
	return m.ReadMem(p, decoder.Addr(off))
}

// Size is 0, as stat shows it of /proc/pid/mem.
func (m Mem) Size() int64 { return 0 }

// Memory marks m as addressed, not sized.
func (m Mem) Memory() {}

// NextData is the first address at or after off whose bytes are stored, or
// io.EOF.
func (m Mem) NextData(off int64) (int64, error) {
	for seg := range m.Segments(decoder.Range{Start: decoder.Addr(off), End: math.MaxInt64}) {
		if seg.Kind.Stored() {
			return int64(seg.Start), nil
		}
	}
	return 0, io.EOF
}

// NextHole is the first address at or after off whose bytes are not stored:
// zero, absent or not mapped at all.
func (m Mem) NextHole(off int64) (int64, error) {
	a := decoder.Addr(off)
	for seg := range m.Segments(decoder.Range{Start: a, End: math.MaxInt64}) {
		if !seg.Kind.Stored() || seg.Start > a {
			break
		}
		a = seg.End
	}
	return int64(a), nil
}

// DataSize is the number of stored bytes.
func (m Mem) DataSize() int64 {
	var n int64
	for seg := range m.All() {
		if seg.Kind.Stored() {
			n += int64(seg.Len())
		}
	}
	return n
}
