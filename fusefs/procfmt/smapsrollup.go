package procfmt

import (
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// rollupForm is what smaps_rollup says of a process; see smapsForm.
const rollupForm = `Rss:            %8d kB
Pss:                   0 kB
Pss_Dirty:             0 kB
Pss_Anon:              0 kB
Pss_File:              0 kB
Pss_Shmem:             0 kB
` + smapsPages

// SmapsRollup writes /proc/pid/smaps_rollup: the sums of what [Smaps] writes of
// the mappings, of which sizes are those.
//
// Source: fs/proc/task_mmu.c:show_smaps_rollup, __show_smap.
func SmapsRollup(w io.Writer, mm *decoder.MM, sizes MemorySizes) error {
	var all decoder.Range
	for _, v := range mm.VMAs {
		if v.Status.Has(decoder.StatusVsyscall) {
			continue // the kernel's own, and no mapping of the process
		}
		if all.Len() == 0 {
			all.Start = v.Start
		}
		all.End = v.End
	}
	line := fmt.Sprintf("%v ---p 00000000 00:00 0 ", all)
	_, err := fmt.Fprintf(w, "%-*s[rollup]\n"+rollupForm, nameColumn, line, sizes.Resident()/1024,
		sizes.file/1024, sizes.shmem/1024, sizes.anon/1024, sizes.anon/1024)
	return err
}
