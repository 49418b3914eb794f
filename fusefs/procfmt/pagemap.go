package procfmt

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// Bits of an entry of pagemap.
//
// Source: fs/proc/task_mmu.c:PM_GUARD_REGION and its siblings.
const (
	pagemapGuard   = 1 << 58
	pagemapFile    = 1 << 61 // of a file, or shared
	pagemapPresent = 1 << 63

	pagemapEntry = 8 // bytes
)

// Pagemap presents an address space as /proc/pid/pagemap does: for each page
// eight bytes, those of the page at address a at offset a / page size * 8. A
// page is present if its bytes are stored, in the checkpoint or in a known
// file; page frame numbers are not saved, and are 0, as they are to readers
// without privileges.
//
// Source: Documentation/admin-guide/mm/pagemap.rst.
type Pagemap struct {
	MM    *decoder.MM
	Space *memview.AddressSpace
}

// ReadAt reads the entries at offset off. Where the kernel has zeros for pages
// that are not mapped, the file ends: up to 256 GiB of them would keep whoever
// reads all files from the beginning to the end busy.
func (p Pagemap) ReadAt(b []byte, off int64) (int, error) {
	page := decoder.Addr(p.MM.PageSize)
	first := decoder.Addr(off) / pagemapEntry
	skip := int(off % pagemapEntry)
	entries := decoder.Addr(skip+len(b)+pagemapEntry-1) / pagemapEntry
	if first+entries > math.MaxUint64/page {
		return 0, io.EOF
	}
	r := decoder.Range{Start: first * page, End: p.mappedFrom(first*page, (first+entries)*page)}
	table := make([]byte, (r.Len()+uint64(page)-1)/uint64(page)*pagemapEntry)
	set := func(part decoder.Range, bits uint64) {
		for a := part.Start; a < part.End; a += page {
			binary.NativeEndian.PutUint64(table[(a-r.Start)/page*pagemapEntry:], bits)
		}
	}
	for seg := range p.Space.Segments(r) {
		if bits := pagemapBits(seg); bits != 0 {
			set(seg.Range, bits)
		}
	}
	for _, g := range p.MM.Guards {
		set(g.Intersect(r), pagemapGuard)
	}
	n := copy(b, table[min(skip, len(table)):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// mappedFrom is the end of what is mapped from start on without a gap, or limit.
func (p Pagemap) mappedFrom(start, limit decoder.Addr) decoder.Addr {
	at := start
	for _, v := range p.MM.VMAs[p.MM.SearchVMA(start):] {
		if v.Start > at || at >= limit {
			break
		}
		at = v.End
	}
	return min(at, max(start, limit))
}

// pagemapBits is the entry of the pages of a segment.
func pagemapBits(s memview.Segment) uint64 {
	switch {
	case !s.Kind.Stored():
		return 0
	case s.Kind == memview.File, s.Kind == memview.Shared, s.VMA.Status.Has(decoder.StatusVDSO):
		return pagemapPresent | pagemapFile
	default:
		return pagemapPresent
	}
}

// Size is 0, as stat shows it.
func (p Pagemap) Size() int64 { return 0 }

// Memory marks p as addressed, not sized.
func (p Pagemap) Memory() {}
