package coredump

import (
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// maxFileNote bounds NT_FILE, in bytes. A path is stored once in a checkpoint
// and once for each VMA in the note, so a small hostile checkpoint could ask
// for gigabytes.
//
// Source: fs/coredump.c:CORE_FILE_NOTE_SIZE_MAX, the most that the sysctl
// kernel.core_file_note_size_limit can be set to.
const maxFileNote = 16 << 20

// appendFILE appends the descriptor of NT_FILE, the mapped files:
//
//	0  word     count
//	   word     page size, the unit of the file offsets
//	   word[3]  start, end, file offset; count times
//	   char[]   name, NUL; count times
//
// It has exactly that length: gdb refuses padding behind the last name. Files
// that would make it longer than maxFileNote are left out, from the highest
// address down.
//
// Source: fs/binfmt_elf.c:fill_files_note.
func appendFILE(b []byte, c class, mm *decoder.MM) []byte {
	page := uint64(mm.PageSize)
	var ranges []uint64
	var names []byte
	for _, v := range mm.VMAs {
		if v.File == nil {
			continue
		}
		name, _, _ := strings.Cut(v.File.KernelName(), "\x00")
		if c.wordSize()*(2+len(ranges)+3)+len(names)+len(name)+1 > maxFileNote {
			break
		}
		ranges = append(ranges, uint64(v.Start), uint64(v.End), uint64(v.PgOff)/page)
		names = append(append(names, name...), 0)
	}
	b = c.appendWords(b, uint64(len(ranges)/3), page)
	b = c.appendWords(b, ranges...)
	return append(b, names...)
}
