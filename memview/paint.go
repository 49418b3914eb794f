package memview

import (
	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// New makes the address space of a process that has a memory descriptor. It
// reads no pages. Its cost is in the number of mappings and page runs.
//
// This is the policy of where bytes come from; what is painted later covers
// what is below:
//
//  1. the VMA's default: zero for private anonymous memory, absent otherwise
//  2. guard pages, which the process could not read either
//  3. page runs without bytes here: those of a parent checkpoint, and lazy
//     ones that were never stored
//  4. the pages of this checkpoint
func New(mm *decoder.MM) *AddressSpace {
	segs := defaults(mm)
	segs = paint(segs, guards(mm.Guards))
	segs = paint(segs, captured(mm))
	return &AddressSpace{segs: segs, pageSize: mm.PageSize}
}

// defaults is what the mappings are where nothing was captured.
func defaults(mm *decoder.MM) []Segment {
	segs := make([]Segment, 0, len(mm.VMAs))
	pages := mm.Pagemap != nil
	ends := pageEnds{runs: mm.Pagemap}
	for _, v := range mm.VMAs {
		s := Segment{Range: v.Range, VMA: v}
		// Without a page index there is no telling which pages of a mapping
		// were never touched.
		if pages && zeroFilled(v) && (v.Prot != 0 || ends.touches(v.Range, mm.PageSize)) {
			s.Kind = Zero
		}
		segs = append(segs, s)
	}
	return segs
}

// zeroFilled tells whether a page of v that nobody touched reads as zeros.
// CRIU captures private anonymous memory whole, so that a page of it that is
// in no pagemap is one that was never there (criu/mem.c:should_dump_page).
// The kernel's own pages are not the process's memory, though CRIU calls them
// anonymous.
func zeroFilled(v *decoder.VMA) bool {
	const special = decoder.StatusVVAR | decoder.StatusVsyscall | decoder.StatusVDSO |
		decoder.StatusUprobes | decoder.StatusSocket
	return v.Status.Has(decoder.StatusAnonPrivate) && !v.Status.Any(special)
}

// pageEnds walks the page runs beside the mappings, both ascending.
type pageEnds struct {
	runs *criu.Pagemap
	next int
}

// touches tells whether a run lies in r. A PROT_NONE mapping without a single
// page is a reservation, which the process could not read; one that has pages
// was memory before its protection was taken away.
func (e *pageEnds) touches(r decoder.Range, pageSize int) bool {
	for ; e.next < len(e.runs.Runs); e.next++ {
		run := e.runs.Runs[e.next]
		end := run.Addr + uint64(run.Pages)*uint64(pageSize)
		if end > uint64(r.Start) {
			return run.Addr < uint64(r.End)
		}
	}
	return false
}

func guards(ranges []decoder.Range) []Segment {
	var segs []Segment
	for _, r := range ranges {
		segs = append(segs, Segment{Range: r, Kind: Absent})
	}
	return segs
}

// captured is the page runs of this checkpoint: captured where their bytes
// are in its pages image, absent where they are in a parent checkpoint or
// were left behind to be fetched after the restore.
func captured(mm *decoder.MM) []Segment {
	if mm.Pagemap == nil {
		return nil
	}
	segs := make([]Segment, 0, len(mm.Pagemap.Runs))
	for _, run := range mm.Pagemap.Runs {
		s := Segment{Range: decoder.Range{
			Start: decoder.Addr(run.Addr),
			End:   decoder.Addr(run.Addr + uint64(run.Pages)*uint64(mm.PageSize)),
		}}
		if run.Flags&criu.PagePresent != 0 && mm.Pages != nil {
			s.Kind, s.Src, s.Off = Captured, mm.Pages, int64(run.Index)*int64(mm.PageSize)
		}
		segs = appendSegment(segs, s)
	}
	return segs
}

// paint lays over upon base, both sorted and disjoint. The result covers
// exactly what base covers: a painted segment belongs to the VMA under it, is
// split where two VMAs meet, and lost where there is none.
//
//	base  [  a  ][    b    ]      [ c ]
//	over     [xxxxx]  [y] [zzzzz]
//	      [a ][x][x]b][y][b]      [ c ]
func paint(base, over []Segment) []Segment {
	if len(over) == 0 {
		return base
	}
	out := make([]Segment, 0, len(base)+len(over))
	for _, b := range base {
		for len(over) > 0 && over[0].End <= b.Start {
			over = over[1:]
		}
		// An over that reaches past b is needed again for the next base.
		for i := 0; i < len(over) && over[i].Start < b.End; i++ {
			o := over[i]
			if o.Start < b.Start {
				o = o.at(b.Start)
			}
			if b.Start < o.Start {
				before := b
				before.End = o.Start
				out = appendSegment(out, before)
			}
			o.End, o.VMA = min(o.End, b.End), b.VMA
			out = appendSegment(out, o)
			b = b.at(o.End)
		}
		if b.Len() > 0 {
			out = appendSegment(out, b)
		}
	}
	return out
}

// appendSegment appends s, or lengthens the last segment where s is its
// continuation.
func appendSegment(segs []Segment, s Segment) []Segment {
	if n := len(segs); n > 0 && s.continues(segs[n-1]) {
		segs[n-1].End = s.End
		return segs
	}
	return append(segs, s)
}
