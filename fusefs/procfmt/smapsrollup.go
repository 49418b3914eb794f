package procfmt

import (
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// rollupForm is what smaps_rollup says of a process; see smapsForm.
const rollupForm = `Rss:            %8d kB
Pss:                   0 kB
Pss_Dirty:             0 kB
Pss_Anon:              0 kB
Pss_File:              0 kB
Pss_Shmem:             0 kB
` + smapsPages

// SmapsRollup writes /proc/pid/smaps_rollup: the sums of what [Smaps] writes.
//
// Source: fs/proc/task_mmu.c:show_smaps_rollup, __show_smap.
func SmapsRollup(w io.Writer, mm *decoder.MM, space *memview.AddressSpace) error {
	var all decoder.Range
	var sum resident
	for _, v := range mm.VMAs {
		if v.Status.Has(decoder.StatusVsyscall) {
			continue // the kernel's own, and no mapping of the process
		}
		if all.Len() == 0 {
			all.Start = v.Start
		}
		all.End = v.End
		pages := residentPages(space, v)
		sum.private += pages.private
		sum.shared += pages.shared
		sum.kernel += pages.kernel
	}
	line := fmt.Sprintf("%v ---p 00000000 00:00 0 ", all)
	_, err := fmt.Fprintf(w, "%-*s[rollup]\n"+rollupForm, nameColumn, line, (sum.private+sum.shared+sum.kernel)/1024,
		sum.kernel/1024, sum.shared/1024, sum.private/1024, sum.private/1024)
	return err
}
