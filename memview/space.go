package memview

import (
	"io"
	"iter"
	"sort"

	"github.com/ckptfs/ckptfs/decoder"
)

// AddressSpace is the memory of a process. It is immutable and safe for
// concurrent use.
type AddressSpace struct {
	segs     []Segment // sorted, disjoint, none empty
	pageSize int
}

// PageSize is the checkpoint's page size in bytes.
func (s *AddressSpace) PageSize() int { return s.pageSize }

// ReadMem fills p with the bytes at address a and returns how many it could
// read: fewer than len(p) only with an error, a [*Fault] where there is
// nothing to read, or the source's.
func (s *AddressSpace) ReadMem(p []byte, a decoder.Addr) (int, error) {
	n := 0
	for i := s.find(a); n < len(p); i++ {
		at := a + decoder.Addr(n)
		if i == len(s.segs) || !s.segs[i].Contains(at) {
			return n, &Fault{Addr: at}
		}
		seg := &s.segs[i]
		part := p[n:min(uint64(len(p)), uint64(n)+uint64(seg.End-at))]
		switch seg.Kind {
		case Absent:
			return n, &Fault{Addr: at, Mapped: true}
		case Zero:
			clear(part)
			n += len(part)
		default:
			m, err := seg.Src.ReadAt(part, seg.Off+int64(at-seg.Start))
			n += m
			// ReaderAt may say io.EOF beside the last byte of the source.
			if m < len(part) {
				if err == nil {
					err = io.ErrUnexpectedEOF
				}
				return n, err
			}
		}
	}
	return n, nil
}

// Segments yields the segments that lie in r, clipped to it, ascending.
func (s *AddressSpace) Segments(r decoder.Range) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for _, seg := range s.segs[s.find(r.Start):] {
			if seg.Start >= r.End {
				return
			}
			if seg.Start < r.Start {
				seg = seg.at(r.Start)
			}
			seg.End = min(seg.End, r.End)
			if !yield(seg) {
				return
			}
		}
	}
}

// All yields all segments, ascending.
func (s *AddressSpace) All() iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for _, seg := range s.segs {
			if !yield(seg) {
				return
			}
		}
	}
}

// KnownPrefix is the part of r that begins at its start and ends before the
// first byte that cannot be read. It may be empty.
func (s *AddressSpace) KnownPrefix(r decoder.Range) decoder.Range {
	known := decoder.Range{Start: r.Start, End: r.Start}
	for seg := range s.Segments(r) {
		if seg.Start != known.End || !seg.Kind.Known() {
			break
		}
		known.End = seg.End
	}
	return known
}

// find is the index of the first segment that ends after a.
func (s *AddressSpace) find(a decoder.Addr) int {
	return sort.Search(len(s.segs), func(i int) bool { return s.segs[i].End > a })
}
