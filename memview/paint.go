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
//  2. the mapped file, where it is known
//  3. the shared-memory object that is mapped
//  4. guard pages, which the process could not read either
//  5. the pages of the parent checkpoints, oldest first, and of this one:
//     as far as each newer one refers to the one before
func New(mm *decoder.MM) *AddressSpace {
	segs := defaults(mm)
	segs = paint(segs, files(mm.VMAs, mm.PageSize))
	segs = paint(segs, shared(mm.VMAs, mm.PageSize))
	segs = paint(segs, guards(mm.Guards))
	segs = paint(segs, captured(mm.Capture, mm.PageSize, Captured))
	return &AddressSpace{segs: segs, pageSize: mm.PageSize}
}

// defaults is what the mappings are where nothing was captured.
func defaults(mm *decoder.MM) []Segment {
	segs := make([]Segment, 0, len(mm.VMAs))
	var pages walk
	if mm.Capture != nil {
		pages = walk{mm.Capture.Runs, uint64(mm.PageSize)}
	}
	for _, v := range mm.VMAs {
		s := Segment{Range: v.Range, VMA: v}
		// Without a page index there is no telling which pages of a mapping
		// were never touched.
		if mm.Capture != nil && zeroFilled(v) && (v.Prot != 0 || pages.touch(v.Range)) {
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
	if v.File != nil && v.File.IsZero() && v.Private() {
		return true
	}
	return v.Status.Has(decoder.StatusAnonPrivate) && !v.Status.Any(special)
}

// walk goes through the page runs beside the mappings, both ascending.
type walk struct {
	runs     []criu.PageRun
	pageSize uint64
}

// touch tells whether a run lies in r. A PROT_NONE mapping without a single
// page is a reservation, which the process could not read; one that has pages
// was memory before its protection was taken away.
func (w *walk) touch(r decoder.Range) bool {
	for len(w.runs) > 0 && w.runs[0].Addr+uint64(w.runs[0].Pages)*w.pageSize <= uint64(r.Start) {
		w.runs = w.runs[1:]
	}
	return len(w.runs) > 0 && w.runs[0].Addr < uint64(r.End)
}

// maxSegments bounds what mappings without number of one object in many
// pieces can make of it. What is beyond stays absent.
const maxSegments = 8 << 20

// files is the mapped files whose bytes are known. The last page of a file
// ends in zeros, so that a segment may end inside a page; what lies behind it
// cannot be touched (SIGBUS), and stays absent.
func files(vmas []*decoder.VMA, pageSize int) []Segment {
	var whole, pieces []Segment
	for _, v := range vmas {
		if v.File == nil || v.File.Backing == nil || len(pieces) > maxSegments {
			continue
		}
		b := v.File.Backing
		whole = appendObject(whole, v, b.Size, pageSize)
		for _, f := range b.Fragments {
			pieces = appendPiece(pieces, v, f.Off, f.Off+f.Len, Segment{Kind: File, Src: &b.Image, Off: f.At})
		}
	}
	return paint(whole, pieces)
}

// shared is the shared-memory objects that are mapped.
func shared(vmas []*decoder.VMA, pageSize int) []Segment {
	var whole, pieces []Segment
	objects := make(map[*decoder.SharedMemory][]Segment)
	for _, v := range vmas {
		if v.Shared == nil || v.Shared.Capture == nil || len(pieces) > maxSegments {
			continue
		}
		pages, ok := objects[v.Shared]
		if !ok {
			pages = captured(v.Shared.Capture, pageSize, Shared)
			objects[v.Shared] = pages
		}
		size := v.Shared.Size
		if size < 0 {
			size = v.PgOff + int64(v.Len())
		}
		whole = appendObject(whole, v, size, pageSize)
		for _, p := range pages {
			pieces = appendPiece(pieces, v, int64(p.Start), int64(p.End), p)
		}
	}
	return paint(whole, pieces)
}

// appendObject appends the pages of v that an object of that size fills, as
// zeros to be painted on.
func appendObject(segs []Segment, v *decoder.VMA, size int64, pageSize int) []Segment {
	if size <= v.PgOff {
		return segs
	}
	page := uint64(pageSize)
	length := (uint64(size-v.PgOff) + page - 1) &^ (page - 1)
	return append(segs, Segment{
		Range: decoder.Range{Start: v.Start, End: v.Start + decoder.Addr(min(length, v.Len()))},
		VMA:   v, Kind: Zero,
	})
}

// appendPiece appends what v maps of the piece [start, end) of an object; s
// says where its bytes are.
func appendPiece(segs []Segment, v *decoder.VMA, start, end int64, s Segment) []Segment {
	from, to := max(start, v.PgOff), min(end, v.PgOff+int64(v.Len()))
	if from >= to {
		return segs
	}
	s.Range = decoder.Range{Start: v.Start + decoder.Addr(from-v.PgOff), End: v.Start + decoder.Addr(to-v.PgOff)}
	s.VMA = v
	if s.Src != nil {
		s.Off += from - start
	}
	return append(segs, s)
}

func guards(ranges []decoder.Range) []Segment {
	var segs []Segment
	for _, r := range ranges {
		segs = append(segs, Segment{Range: r, Kind: Absent})
	}
	return segs
}

// captured is the page runs of a checkpoint, of the given kind where their
// bytes are in its pages image. Those that are in a parent are looked for
// there: what it lists is inherited, what it does not list is zeros, as CRIU
// restores it, and without a parent they are absent. So are pages that were
// left behind to be fetched after the restore.
func captured(c *decoder.Capture, pageSize int, kind Kind) []Segment {
	if c == nil {
		return nil
	}
	own := make([]Segment, 0, len(c.Runs))
	var inherited []Segment // the runs that are in the parent, as zeros at first
	for _, run := range c.Runs {
		s := Segment{Range: decoder.Range{
			Start: decoder.Addr(run.Addr),
			End:   decoder.Addr(run.Addr + uint64(run.Pages)*uint64(pageSize)),
		}}
		switch {
		case run.Flags&criu.PagePresent != 0 && c.Pages != nil:
			s.Kind, s.Src, s.Off = kind, c.Pages, int64(run.Index)*int64(pageSize)
		case run.Flags&criu.PageParent != 0 && c.Parent != nil:
			s.Kind = Zero
			inherited = append(inherited, s)
		}
		own = appendSegment(own, s)
	}
	if len(inherited) == 0 {
		return own
	}
	if kind == Captured {
		kind = Inherited
	}
	return paint(own, paint(inherited, captured(c.Parent, pageSize, kind)))
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
