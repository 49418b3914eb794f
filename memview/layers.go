package memview

import (
	"sort"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// lookup finds where the bytes at the start of r, which lies in v, come from.
//
// This is the policy, the first that has something to say of an address being
// right:
//
//  1. the pages that this checkpoint captured, or the parents that it refers
//     to for them
//  2. guard pages, which the process could not read
//  3. the shared-memory object that is mapped
//  4. the mapped file, where its bytes are known
//  5. what the mapping is where nobody touched it: zeros or nothing
//
// A layer answers for the start of r. If it has something there it returns
// that, as far as it reaches, and true; otherwise the part of r that it has
// nothing in, and false.
func (s *AddressSpace) lookup(v *decoder.VMA, r decoder.Range) Segment {
	for _, layer := range [...]func(*AddressSpace, *decoder.VMA, decoder.Range) (Segment, bool){
		(*AddressSpace).captured,
		(*AddressSpace).guarded,
		(*AddressSpace).shared,
		(*AddressSpace).file,
	} {
		seg, found := layer(s, v, r)
		if found {
			seg.VMA = v
			return seg
		}
		r = seg.Range
	}
	return Segment{Range: r, VMA: v, Kind: s.untouched(v)}
}

func (s *AddressSpace) captured(_ *decoder.VMA, r decoder.Range) (Segment, bool) {
	return s.inCapture(s.mm.Capture, r, Captured)
}

// inCapture finds the start of r in what a checkpoint captured, of the given
// kind where its own pages image has it. What it says is in a parent is looked
// for there: if the parent does not list it, nobody touched it; without a
// parent it is absent. So are pages that were left behind to be fetched after
// the restore.
func (s *AddressSpace) inCapture(c *decoder.Capture, r decoder.Range, kind Kind) (Segment, bool) {
	if c == nil {
		return Segment{Range: r}, false
	}
	i, r := s.runAt(r, len(c.Runs), func(i int) criu.PageRun { return c.Runs[i] })
	if i < 0 {
		return Segment{Range: r}, false
	}
	run, src := c.Runs[i], c.Pages
	if run.InParent() && c.Parent != nil {
		list := c.Inherited(s.mm.PageSize)
		i, r = s.runAt(r, len(list), func(i int) criu.PageRun { return list[i].PageRun })
		if i < 0 {
			return Segment{Range: r}, false
		}
		run, src = list[i].PageRun, list[i].Src
		if kind == Captured {
			kind = Inherited
		}
	}
	if run.Flags&criu.PagePresent == 0 || src == nil {
		return Segment{Range: r}, true
	}
	off := int64(run.Index)*int64(s.mm.PageSize) + int64(uint64(r.Start)-run.Addr)
	return Segment{Range: r, Kind: kind, Src: src, Off: off}, true
}

// runAt finds which of n sorted runs the start of r lies in; -1 for none. It
// gives as much of r as lies in that run, or before the next.
func (s *AddressSpace) runAt(r decoder.Range, n int, run func(int) criu.PageRun) (int, decoder.Range) {
	i := sort.Search(n, func(i int) bool { return s.end(run(i)) > r.Start })
	if i == n {
		return -1, r
	}
	if start := decoder.Addr(run(i).Addr); start > r.Start {
		r.End = min(r.End, start)
		return -1, r
	}
	r.End = min(r.End, s.end(run(i)))
	return i, r
}

// end is the address behind a page run.
func (s *AddressSpace) end(r criu.PageRun) decoder.Addr {
	return decoder.Addr(r.End(s.mm.PageSize))
}

func (s *AddressSpace) guarded(_ *decoder.VMA, r decoder.Range) (Segment, bool) {
	guards := s.mm.Guards
	i := sort.Search(len(guards), func(i int) bool { return guards[i].End > r.Start })
	switch {
	case i == len(guards):
		return Segment{Range: r}, false
	case guards[i].Start > r.Start:
		r.End = min(r.End, guards[i].Start)
		return Segment{Range: r}, false
	default:
		r.End = min(r.End, guards[i].End)
		return Segment{Range: r}, true
	}
}

// shared finds the start of r in the shared-memory object that v maps. What
// nobody touched of it is zeros, what lies behind its end absent.
func (s *AddressSpace) shared(v *decoder.VMA, r decoder.Range) (Segment, bool) {
	if v.Shared == nil || v.Shared.Capture == nil {
		return Segment{Range: r}, false
	}
	size := v.Shared.Size
	if size < 0 {
		size = v.PgOff + int64(v.Len())
	}
	object := inObject(v, r)
	end := s.pages(size)
	if object.Start >= end {
		return Segment{Range: r}, false
	}
	object.End = min(object.End, end)
	seg, found := s.inCapture(v.Shared.Capture, object, Shared)
	if !found {
		seg.Kind = Zero
	}
	seg.Range = decoder.Range{Start: r.Start, End: r.Start + decoder.Addr(seg.Len())}
	return seg, true
}

// file finds the start of r in the file that v maps. Its last page ends in
// zeros, so that a segment may end inside a page; what lies behind that page
// cannot be touched (SIGBUS), and is absent.
func (s *AddressSpace) file(v *decoder.VMA, r decoder.Range) (Segment, bool) {
	if v.File == nil || v.File.Backing == nil {
		return Segment{Range: r}, false
	}
	b := v.File.Backing
	object := inObject(v, r)
	end := s.pages(b.Size)
	if object.Start >= end {
		return Segment{Range: r}, false
	}
	off := int64(object.Start)
	seg := Segment{Kind: Zero}
	i := sort.Search(len(b.Fragments), func(i int) bool { return b.Fragments[i].Off+b.Fragments[i].Len > off })
	if i < len(b.Fragments) {
		f := b.Fragments[i]
		if f.Off <= off {
			seg = Segment{Kind: File, Src: &b.Image, Off: f.At + off - f.Off}
			end = decoder.Addr(f.Off + f.Len)
		} else {
			end = decoder.Addr(f.Off)
		}
	}
	length := min(object.End, end) - object.Start
	seg.Range = decoder.Range{Start: r.Start, End: r.Start + length}
	return seg, true
}

// inObject is the range r of the mapping v as offsets in what v maps.
func inObject(v *decoder.VMA, r decoder.Range) decoder.Range {
	shift := decoder.Addr(v.PgOff) - v.Start // may wrap, and back again
	return decoder.Range{Start: r.Start + shift, End: r.End + shift}
}

// pages is the size of an object in whole pages, as an offset.
func (s *AddressSpace) pages(size int64) decoder.Addr {
	page := decoder.Addr(s.mm.PageSize)
	return (decoder.Addr(size) + page - 1) &^ (page - 1)
}

// untouched is what a page of v is that nobody touched.
//
// CRIU captures private anonymous memory whole, so that a page of it that is
// in no page run is one that was never there, and reads as zeros
// (criu/mem.c:should_dump_page). The kernel's own pages are not the process's
// memory, though CRIU calls them anonymous. Without a page index there is no
// telling.
func (s *AddressSpace) untouched(v *decoder.VMA) Kind {
	const special = decoder.StatusVVAR | decoder.StatusVsyscall | decoder.StatusVDSO |
		decoder.StatusUprobes | decoder.StatusSocket | decoder.StatusFilePrivate | decoder.StatusFileShared |
		decoder.StatusAnonShared | decoder.StatusSysVIPC | decoder.StatusMemfd
	anonymous := v.Status.Has(decoder.StatusAnonPrivate) && !v.Status.Any(special) ||
		v.Private() && v.File != nil && v.File.IsZero()
	if !anonymous || s.mm.Capture == nil || v.Prot == 0 && !s.touched(v) {
		return Absent
	}
	return Zero
}

// touched tells whether any page of v was captured. A PROT_NONE mapping
// without one is a reservation, which the process could not read; one that
// has pages was memory before its protection was taken away.
func (s *AddressSpace) touched(v *decoder.VMA) bool {
	runs := s.mm.Capture.Runs
	i := sort.Search(len(runs), func(i int) bool { return s.end(runs[i]) > v.Start })
	return i < len(runs) && decoder.Addr(runs[i].Addr) < v.End
}
