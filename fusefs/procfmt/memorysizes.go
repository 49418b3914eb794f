package procfmt

import (
	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// MemorySizes are what the kernel counts of an address space, in bytes. The
// resident ones are what was captured. To count them is to walk all mappings,
// and they stand in the files of each thread: see [SizesOf].
type MemorySizes struct {
	total, locked, data, stack, exec uint64
	anon, file, shmem                uint64 // resident
}

// SizesOf counts the mappings of mm, nil for none.
//
// Source: include/linux/mm.h:is_exec_mapping and its siblings,
// mm/mmap.c:vm_stat_account.
func SizesOf(mm *decoder.MM, space *memview.AddressSpace) (s MemorySizes) {
	if mm == nil {
		return s
	}
	for _, v := range mm.VMAs {
		if v.Status.Has(decoder.StatusVsyscall) {
			continue // the kernel's own, and no mapping of the process
		}
		n := v.Len()
		stack := v.Flags&decoder.MapGrowsDown != 0
		writable := v.Prot&decoder.ProtWrite != 0
		s.total += n
		switch {
		case v.Prot&decoder.ProtExec != 0 && !writable && !stack:
			s.exec += n
		case stack:
			s.stack += n
		case writable && v.Private():
			s.data += n
		}
		if v.Flags&decoder.MapLocked != 0 {
			s.locked += n
		}
		pages := residentPages(space, v)
		s.anon += pages.private
		s.file += pages.kernel
		s.shmem += pages.shared
	}
	return s
}

// Resident is what of the address space was in memory.
func (s MemorySizes) Resident() uint64 { return s.anon + s.file + s.shmem }

// text is the size of the program's code, in whole pages.
func text(mm *decoder.MM) uint64 {
	page := decoder.Addr(mm.PageSize)
	start, end := mm.StartCode&^(page-1), (mm.EndCode+page-1)&^(page-1)
	if end < start {
		return 0
	}
	return uint64(end - start)
}
