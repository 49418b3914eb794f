package decoder

import (
	"fmt"
	"slices"
	"sort"

	criu_mm "github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// mm decodes the memory descriptor of a process, or gives nil and a warning.
func (l *loader) mm(pid int, arch Arch) *MM {
	name := l.name("mm-%d.img", pid)
	e, err := one[criu_mm.MmEntry](l.images, name, criu.MagicMM)
	if err != nil {
		l.warn.Add(fmt.Errorf("process %d: %w", pid, err))
		return nil
	}
	m := &MM{
		StartCode: Addr(e.GetMmStartCode()), EndCode: Addr(e.GetMmEndCode()),
		StartData: Addr(e.GetMmStartData()), EndData: Addr(e.GetMmEndData()),
		ArgStart: Addr(e.GetMmArgStart()), ArgEnd: Addr(e.GetMmArgEnd()),
		EnvStart: Addr(e.GetMmEnvStart()), EnvEnd: Addr(e.GetMmEnvEnd()),
		StartBrk: Addr(e.GetMmStartBrk()), Brk: Addr(e.GetMmBrk()),
		StartStack: Addr(e.GetMmStartStack()),
		Exe:        l.files[e.GetExeFileId()],
		Auxv:       slices.Clone(e.GetMmSavedAuxv()[:min(len(e.GetMmSavedAuxv()), maxAuxv)]), // or all of a longer one stayed in memory
		compat:     arch == ArchI386,

		THPDisabled: e.GetThpDisabled(),
	}
	if m.Exe == nil {
		l.warn.Addf("process %d: %s: its executable is file %d, which %s does not have", pid, name, e.GetExeFileId(), l.name("files.img"))
	} else if m.Exe.Kind == FileRegular {
		l.back(m.Exe)
	}
	m.PageSize, err = pageSize(m)
	if err != nil {
		l.warn.Addf("process %d: %s: %w", pid, name, err)
	}
	l.vmas(m, name, e.GetVmas())
	m.Capture, err = l.capture(fmt.Sprint(pid), m.PageSize)
	if err != nil {
		l.warn.Add(fmt.Errorf("process %d: its captured memory is absent: %w", pid, err))
		return m
	}
	for _, r := range uncovered(m) {
		l.warn.Addf("process %d: pages at %v were captured and lie in no mapping", pid, r)
	}
	return m
}

// uncovered lists where captured pages lie in no mapping, which should not
// be: there is no telling what they were.
func uncovered(m *MM) []Range {
	const enough = 10
	var list []Range
	for _, run := range m.Capture.Runs {
		r := Range{Addr(run.Addr), Addr(run.End(m.PageSize))}
		for r.Start < r.End && len(list) < enough {
			i := m.SearchVMA(r.Start)
			if i < len(m.VMAs) && m.VMAs[i].Contains(r.Start) {
				r.Start = m.VMAs[i].End
				continue
			}
			gap := r
			if i < len(m.VMAs) {
				gap.End = min(r.End, m.VMAs[i].Start)
			}
			list = append(list, gap)
			r.Start = gap.End
		}
	}
	return list
}

// maxAuxv is more words than any kernel has in an auxiliary vector
// (include/linux/mm_types.h:AT_VECTOR_SIZE).
const maxAuxv = 256

// atPageSize is the type AT_PAGESZ of an entry of the auxiliary vector.
const atPageSize = 6

// defaultPageSize is that of x86-64 and of most other machines.
const defaultPageSize = 4096

// pageSize is that of the checkpointed machine. The host's does not matter.
func pageSize(m *MM) (int, error) {
	size, ok := m.Auxval(atPageSize)
	switch {
	case !ok:
		return defaultPageSize, fmt.Errorf("no page size in the auxiliary vector, %d assumed", defaultPageSize)
	case size < 4096 || size > 1<<16 || size&(size-1) != 0:
		return defaultPageSize, fmt.Errorf("page size %d is impossible, %d assumed", size, defaultPageSize)
	}
	return int(size), nil
}

// openModeMask is the access mode in open(2)'s flags; 0 is O_RDONLY.
const openModeMask = 3

// vmas fills in the mappings, sorted and not overlapping, and the guard
// ranges, which CRIU appends to the list as if they were mappings
// (criu/mem.c, VMA_AREA_GUARD).
func (l *loader) vmas(m *MM, name string, entries []*vma.VmaEntry) {
	m.VMAs = make([]*VMA, 0, len(entries))
	for i, e := range entries {
		v := &VMA{
			Range:    Range{Addr(e.GetStart()), Addr(e.GetEnd())},
			Prot:     Prot(e.GetProt()),
			Flags:    MapFlags(e.GetFlags()),
			Status:   VMAStatus(e.GetStatus()),
			PgOff:    int64(e.GetPgoff()),
			Madv:     e.GetMadv(),
			Writable: e.Fdflags == nil || e.GetFdflags()&openModeMask != 0,
		}
		mask := Addr(m.PageSize - 1)
		if v.Start >= v.End || (v.Start|v.End|Addr(v.PgOff))&mask != 0 || v.PgOff < 0 {
			l.warn.Addf("%s: mapping %d at %v: impossible range or offset, left out", name, i, v.Range)
			continue
		}
		if v.Status.Has(StatusGuard) {
			m.Guards = append(m.Guards, v.Range)
			continue
		}
		l.mapped(v, e.GetShmid(), m.PageSize)
		if v.File == nil && v.Status.Any(StatusFilePrivate|StatusFileShared) {
			l.warn.Addf("%s: mapping %v is of file %d, which %s does not have", name, v.Range, e.GetShmid(), l.name("files.img"))
		}
		if !l.countPieces(v, m.PageSize) {
			l.warn.Addf("%s: mapping %v: all mappings together are of more than %d pieces of what they map, left out", name, v.Range, maxPieces)
			continue
		}
		m.VMAs = append(m.VMAs, splitVVAR(v, m.PageSize)...)
	}
	sort.SliceStable(m.VMAs, func(i, j int) bool { return m.VMAs[i].Start < m.VMAs[j].Start })
	sort.SliceStable(m.Guards, func(i, j int) bool { return m.Guards[i].Start < m.Guards[j].Start })
	var end Addr
	kept := m.VMAs[:0]
	for _, v := range m.VMAs {
		if v.Start < end {
			l.warn.Addf("%s: mapping %v overlaps the one before, left out", name, v.Range)
			continue
		}
		end = v.End
		kept = append(kept, v)
	}
	m.VMAs = kept
	m.Guards = disjoint(m.Guards)
}

// disjoint merges the overlapping ones of sorted ranges.
func disjoint(sorted []Range) []Range {
	var out []Range
	for _, r := range sorted {
		if n := len(out); n > 0 && r.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	return out
}

// splitVVAR undoes a merge of CRIU's. Since Linux 6.13 an x86 process has
// [vvar] of four pages (enum vdso_pages) and right behind it [vvar_vclock] of
// two (VDSO_NR_VCLOCK_PAGES); CRIU stores both as one mapping. Before, [vvar]
// was never of six pages.
//
// Source: arch/x86/entry/vdso/vma.c:map_vdso; criu/proc_parse.c.
func splitVVAR(v *VMA, pageSize int) []*VMA {
	const vvarPages, vclockPages = 4, 2
	if !v.Status.Has(StatusVVAR) || v.Len() != uint64((vvarPages+vclockPages)*pageSize) {
		return []*VMA{v}
	}
	vvar, vclock := *v, *v
	vvar.End = v.Start + Addr(vvarPages*pageSize)
	vclock.Start = vvar.End
	return []*VMA{&vvar, &vclock}
}
