package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// BuildIDs writes which builds of which files a process had mapped, in the
// form of "eu-unstrip -n": where the file is mapped and how far, its build-id,
// "-" for the file and its debug information, which are to be found, and the
// path as the process saw it.
//
//	0x7f9418c90000+0x1d5000 93ac61ec5a8eb1396f9fbd350e3169a558528a40 - - /usr/lib/libc.so.6
//
// Source: elfutils, src/unstrip.c:list_module.
func BuildIDs(w io.Writer, mm *decoder.MM) error {
	b := bufio.NewWriter(w)
	for i := 0; i < len(mm.VMAs); {
		first := mm.VMAs[i]
		if first.File == nil || first.File.BuildID == nil {
			i++
			continue
		}
		// The mappings of a module follow each other; one that begins anew
		// is another module of the same file.
		end := first.End
		for i++; i < len(mm.VMAs) && mm.VMAs[i].File == first.File && mm.VMAs[i].PgOff > first.PgOff; i++ {
			end = mm.VMAs[i].End
		}
		fmt.Fprintf(b, "%#x+%#x %x - - %s\n", uint64(first.Start), uint64(end-first.Start), first.File.BuildID,
			escape.String(first.File.KernelName()))
	}
	return b.Flush()
}
