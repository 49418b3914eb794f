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

// Stretch is a part of one VMA all of whose bytes can be read. It is an
// ordinary file: of a known size, and without an error in it.
type Stretch struct {
	decoder.Range
	VMA   *decoder.VMA
	space *AddressSpace
}

// Stretches divides the address space into stretches, ascending. A stretch
// begins where a VMA begins or a gap ends, and ends where the VMA ends or a
// gap begins. A gap is memory that is absent, or that was never touched for
// 1 MiB or more; a shorter untouched run is part of the stretch.
func (s *AddressSpace) Stretches() []Stretch {
	var list []Stretch
	for seg := range s.All() {
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
		for _, seg := range s.segs[s.find(r.Start):] {
			if seg.Start >= r.End {
				break
			}
			if seg.Kind == Absent {
				continue
			}
			stored := !isGap(seg)
			seg.Range = seg.Intersect(r)
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
