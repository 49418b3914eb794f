package memview

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math"

	"github.com/ckptfs/ckptfs/decoder"
)

// AddressSpace is the memory of a process. It is immutable and safe for
// concurrent use.
type AddressSpace struct{ mm *decoder.MM }

// New makes the address space of a memory descriptor. It costs nothing, and
// so does holding it: where bytes come from is found out when they are asked
// for.
func New(mm *decoder.MM) *AddressSpace { return &AddressSpace{mm} }

// ReadMem fills p with the bytes at address a and returns how many it could
// read: fewer than len(p) only with an error, a [*Fault] where there is
// nothing to read, or the source's.
func (s *AddressSpace) ReadMem(p []byte, a decoder.Addr) (int, error) {
	n := 0
	for n < len(p) {
		at := a + decoder.Addr(n)
		v := s.mm.FindVMA(at)
		if v == nil {
			return n, &Fault{Addr: at}
		}
		seg := s.lookup(v, decoder.Range{Start: at, End: v.End})
		part := p[n:min(uint64(len(p)), uint64(n)+seg.Len())]
		switch seg.Kind {
		case Absent:
			return n, &Fault{Addr: at, Mapped: true}
		case Zero:
			clear(part)
			n += len(part)
		default:
			m, err := seg.Src.ReadAt(part, seg.Off)
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

// Segments yields the segments that lie in r, clipped to it, ascending. Each
// reaches as far as its source does.
func (s *AddressSpace) Segments(r decoder.Range) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		var last Segment // the one that is being lengthened; empty at first
		for _, v := range s.mm.VMAs[s.mm.SearchVMA(r.Start):] {
			rest := v.Intersect(r)
			if v.Start >= r.End {
				break
			}
			for rest.Len() > 0 {
				seg := s.lookup(v, rest)
				rest.Start = seg.End
				if last.Len() > 0 && seg.continues(last) {
					last.End = seg.End
					continue
				}
				if last.Len() > 0 && !yield(last) {
					return
				}
				last = seg
			}
		}
		if last.Len() > 0 {
			yield(last)
		}
	}
}

// All yields all segments, ascending.
func (s *AddressSpace) All() iter.Seq[Segment] {
	return s.Segments(decoder.Range{End: math.MaxUint64})
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

// IsAsMapped tells whether the captured bytes of a segment are those of the
// file or object that is mapped there; where that is not known they are not. It
// reads both.
func (s *AddressSpace) IsAsMapped(seg Segment) (bool, error) {
	page := make([]byte, s.mm.PageSize)
	below := make([]byte, s.mm.PageSize)
	for a := seg.Start; a < seg.End; a += decoder.Addr(len(page)) {
		r := decoder.Range{Start: a, End: min(seg.End, a+decoder.Addr(len(page)))}
		under, known := s.shared(seg.VMA, r)
		if !known {
			under, known = s.file(seg.VMA, r)
		}
		if !known || !under.Kind.Known() {
			return false, nil
		}
		clear(below)
		if under.Src != nil {
			if _, err := under.Src.ReadAt(below[:under.Len()], under.Off); err != nil && !errors.Is(err, io.EOF) {
				return false, err
			}
		}
		if _, err := s.ReadMem(page, a); err != nil {
			return false, err
		}
		if !bytes.Equal(page, below) {
			return false, nil
		}
	}
	return true, nil
}
