package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// smapsForm is what smaps says of a mapping; zeros stand for what CRIU does not
// save. It is one piece, as a process may have tens of thousands of mappings.
const smapsForm = `Size:           %8d kB
KernelPageSize: %8d kB
MMUPageSize:    %8d kB
Rss:            %8d kB
Pss:                   0 kB
Pss_Dirty:             0 kB
` + smapsPages + `THPeligible:           0
`

// smapsPages is the part of it that is about kinds of pages.
const smapsPages = `Shared_Clean:   %8d kB
Shared_Dirty:   %8d kB
Private_Clean:         0 kB
Private_Dirty:  %8d kB
Referenced:            0 kB
Anonymous:      %8d kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
Locked:                0 kB
`

// Smaps writes /proc/pid/smaps: for each mapping its line of maps and what is
// known of its pages. Resident and dirty are the pages that were captured;
// what was clean, shared with whom, referenced, swapped or locked in memory
// CRIU does not save, and is 0.
//
// Source: fs/proc/task_mmu.c:show_smap, __show_smap.
func Smaps(w io.Writer, mm *decoder.MM, space *memview.AddressSpace) error {
	b := bufio.NewWriter(w)
	for i, v := range mm.VMAs {
		writeMapping(b, mm, i)
		pages := residentPages(space, v)
		kb := func(bytes uint64) uint64 { return bytes / 1024 }
		page := kb(pageSize(mm, v))
		fmt.Fprintf(b, smapsForm, kb(v.Len()), page, page, kb(pages.private+pages.shared+pages.kernel),
			kb(pages.kernel), kb(pages.shared), kb(pages.private), kb(pages.private))
		b.WriteString("VmFlags: ")
		for _, f := range vmFlags(v) {
			b.WriteString(f + " ")
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// resident is how many bytes of a mapping were captured: its own, those of a
// shared-memory object, and the kernel's, of the vDSO.
type resident struct{ private, shared, kernel uint64 }

func residentPages(space *memview.AddressSpace, v *decoder.VMA) (r resident) {
	for s := range space.Segments(v.Range) {
		switch {
		case !s.Kind.Stored() || s.Kind == memview.File:
		case s.Kind == memview.Shared:
			r.shared += s.Len()
		case v.Status.Has(decoder.StatusVDSO):
			r.kernel += s.Len()
		default:
			r.private += s.Len()
		}
	}
	return r
}

// pageSize is that of a mapping: huge pages have their size in its flags, as
// a power of two (MAP_HUGE_SHIFT), where it is not the default of 2 MiB.
func pageSize(mm *decoder.MM, v *decoder.VMA) uint64 {
	if v.Flags&decoder.MapHugeTLB == 0 {
		return uint64(mm.PageSize)
	}
	if shift := v.Flags >> decoder.MapHugeShift & decoder.MapHugeMask; shift != 0 {
		return 1 << shift
	}
	return 2 << 20
}

// vmFlags are the flags of a mapping, in the kernel's order, as far as they
// follow from what CRIU saves. What does not: sd, and ac of memory that once
// was writable, and whether vvar is pf or mm, which depends on the kernel.
//
// Source: fs/proc/task_mmu.c:show_smap_vma_flags; mm/mmap.c:do_mmap.
func vmFlags(v *decoder.VMA) []string {
	const (
		madvRandom, madvSequential, madvDontFork, madvMergeable = 1, 2, 10, 12
		madvHuge, madvNoHuge, madvDontDump, madvWipeOnFork      = 14, 15, 16, 18
	)
	advised := func(advice uint) bool { return v.Madv>>advice&1 != 0 }
	kernels := v.Status.Any(decoder.StatusVVAR | decoder.StatusVDSO)
	mayWrite := v.Private() || v.Writable
	shared := !v.Private() && v.Writable
	special := v.Status.Any(decoder.StatusVsyscall)
	var flags []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"rd", v.Prot&decoder.ProtRead != 0},
		{"wr", v.Prot&decoder.ProtWrite != 0},
		{"ex", v.Prot&decoder.ProtExec != 0},
		{"sh", shared},
		{"mr", !special},
		{"mw", !special && mayWrite && !v.Status.Has(decoder.StatusVVAR)},
		{"me", !special && !v.Status.Has(decoder.StatusVVAR)},
		{"ms", shared},
		{"gd", v.Flags&decoder.MapGrowsDown != 0},
		{"lo", v.Flags&decoder.MapLocked != 0},
		{"io", v.Status.Has(decoder.StatusVVAR)},
		{"sr", advised(madvSequential)},
		{"rr", advised(madvRandom)},
		{"dc", advised(madvDontFork)},
		{"de", kernels},
		{"ac", v.Private() && v.Prot&decoder.ProtWrite != 0 && v.Flags&(decoder.MapNoReserve|decoder.MapHugeTLB) == 0},
		{"nr", v.Flags&decoder.MapNoReserve != 0},
		{"ht", v.Flags&decoder.MapHugeTLB != 0},
		{"wf", advised(madvWipeOnFork)},
		{"dd", advised(madvDontDump) || v.Status.Has(decoder.StatusVVAR)},
		{"hg", advised(madvHuge)},
		{"nh", advised(madvNoHuge)},
		{"mg", advised(madvMergeable)},
	} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return flags
}
