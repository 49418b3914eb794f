package memview

import (
	"io"
	"iter"

	"github.com/ckptfs/ckptfs/decoder"
)

// Object is a shared-memory object as a file. What nobody touched is a hole;
// what is nowhere to be had counts as data and cannot be read.
//
// It is an address space in which nothing but the object is mapped, at 0.
type Object struct {
	space *AddressSpace
	size  int64
	data  int64
}

// NewObject makes the file of an object.
func NewObject(s *decoder.SharedMemory) *Object {
	size := max(s.Size, 0)
	o := &Object{size: size, space: New(&decoder.MM{PageSize: s.PageSize, VMAs: []*decoder.VMA{{
		Range:  decoder.Range{End: decoder.Addr(size)},
		Flags:  decoder.MapShared,
		Status: decoder.StatusRegular | decoder.StatusAnonShared,
		Shared: s,
	}}})}
	for seg := range o.Data() {
		o.data += int64(seg.Len())
	}
	return o
}

// Data yields where the bytes of the object are, holes left out.
func (o *Object) Data() iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for seg := range o.from(0) {
			if seg.Kind != Zero && !yield(seg) {
				return
			}
		}
	}
}

func (o *Object) from(off int64) iter.Seq[Segment] {
	return o.space.Segments(decoder.Range{Start: decoder.Addr(off), End: decoder.Addr(o.size)})
}

// Size is the number of bytes.
func (o *Object) Size() int64 { return o.size }

// DataSize is the number of bytes that are not in holes.
func (o *Object) DataSize() int64 { return o.data }

// ReadAt reads at an offset of the object. The error is a [*Fault] where the
// bytes are not to be had.
func (o *Object) ReadAt(p []byte, off int64) (int, error) {
	return o.space.Stretch(decoder.Range{End: decoder.Addr(o.size)}).ReadAt(p, off)
}

// NextData is the first offset from off on that is not in a hole, or io.EOF.
func (o *Object) NextData(off int64) (int64, error) {
	if off < 0 || off >= o.size {
		return 0, io.EOF
	}
	for seg := range o.from(off) {
		if seg.Kind != Zero {
			return int64(seg.Start), nil
		}
	}
	return 0, io.EOF
}

// NextHole is the first offset from off on that is in a hole; the end counts as
// one. The error is io.EOF where off is not in the object.
func (o *Object) NextHole(off int64) (int64, error) {
	if off < 0 || off >= o.size {
		return 0, io.EOF
	}
	for seg := range o.from(off) {
		if seg.Kind == Zero {
			return int64(seg.Start), nil
		}
	}
	return o.size, nil
}
