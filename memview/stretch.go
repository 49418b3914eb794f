package memview

import (
	"io"
	"iter"

	"github.com/ckptfs/ckptfs/decoder"
)

// smallHole is the length in bytes from which never-touched memory counts as
// a hole where memory is shown as files. Anything that walks a file by
// SEEK_DATA pays more for a shorter hole than for reading its zeros.
const smallHole = 1 << 20

// maxStretches bounds what the mappings of a hostile archive can multiply into;
// a process has 65,530 mappings unless it is allowed more.
const maxStretches = 1 << 20

// Stretch is a part of one VMA all of whose bytes can be read. It is an
// ordinary file: of a known size, and without an error in it.
type Stretch struct {
	decoder.Range
	VMA   *decoder.VMA
	space *AddressSpace
}

// Stretches divides the address space into stretches, ascending. A stretch
// begins where a VMA begins or a gap ends, and ends where the VMA ends or a
// gap begins; there are no more than about a million. A gap is memory that is
// absent, or that was never touched for 1 MiB or more; a shorter untouched
// run is part of the stretch.
func (s *AddressSpace) Stretches() []Stretch {
	var list []Stretch
	for seg := range s.All() {
		if len(list) == maxStretches {
			break
		}
		if isGap(seg) {
			continue
		}
		if n := len(list); n > 0 && list[n-1].VMA == seg.VMA && list[n-1].End == seg.Start {
			list[n-1].End = seg.End
			continue
		}
		list = append(list, Stretch{seg.Range, seg.VMA, s})
	}
	return list
}

func isGap(seg Segment) bool {
	return seg.Kind == Absent || seg.Kind == Zero && seg.Len() >= smallHole
}

// Stretch is the memory in r, all of which must be readable.
func (s *AddressSpace) Stretch(r decoder.Range) Stretch {
	return Stretch{Range: r, space: s}
}

// Size is the length in bytes.
func (t Stretch) Size() int64 { return int64(t.Len()) }

// ReadAt reads at offset off from the stretch's start.
func (t Stretch) ReadAt(p []byte, off int64) (int, error) {
	size := t.Size()
	if off < 0 || off >= size {
		return 0, io.EOF
	}
	if int64(len(p)) <= size-off {
		return t.space.ReadMem(p, t.Start+decoder.Addr(off))
	}
	n, err := t.space.ReadMem(p[:size-off], t.Start+decoder.Addr(off))
	if err == nil {
		err = io.EOF
	}
	return n, err
}

// Runs yields the parts of r whose bytes can be read, ascending, each within
// one VMA, and whether they are data or a hole: 1 MiB or more of memory that
// was never touched.
func (s *AddressSpace) Runs(r decoder.Range) iter.Seq2[decoder.Range, bool] {
	return func(yield func(decoder.Range, bool) bool) {
		var run Segment // the one that is being lengthened; empty at first
		data := false
		for seg := range s.Segments(r) {
			if seg.Kind == Absent {
				continue
			}
			stored := !s.isHole(seg, r)
			if run.Len() > 0 && run.VMA == seg.VMA && run.End == seg.Start && data == stored {
				run.End = seg.End
				continue
			}
			if run.Len() > 0 && !yield(run.Range, data) {
				return
			}
			run, data = seg, stored
		}
		if run.Len() > 0 {
			yield(run.Range, data)
		}
	}
}

// isHole tells whether a segment, which may have been clipped to r, is part of
// a hole that is worth one.
func (s *AddressSpace) isHole(seg Segment, r decoder.Range) bool {
	switch {
	case seg.Kind != Zero:
		return false
	case seg.Len() >= smallHole:
		return true
	case seg.Start > r.Start && seg.End < r.End:
		return false // a whole one
	}
	// What is clipped is part of a longer one: as much as matters of that.
	around := decoder.Range{Start: seg.End - min(seg.End, smallHole), End: seg.Start + smallHole}
	for whole := range s.Segments(around.Intersect(seg.VMA.Range)) {
		if whole.Contains(seg.Start) {
			return whole.Len() >= smallHole
		}
	}
	return false
}
