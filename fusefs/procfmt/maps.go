package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// nameColumn is the column at which maps has the name of a mapping, for
// kernels of 64 bits.
//
// Source: fs/proc/task_mmu.c:show_vma_header_prefix.
const nameColumn = 73

// Maps writes /proc/pid/maps, a line for each mapping:
//
//	7f9418c90000-7f9418cb6000 r--p 00000000 00:28 1106986                    /usr/lib/libc.so.6
//
// Source: fs/proc/task_mmu.c:show_map_vma, get_vma_name.
func Maps(w io.Writer, mm *decoder.MM) error {
	b := bufio.NewWriter(w)
	for i := range mm.VMAs {
		writeMapping(b, mm, i)
	}
	return b.Flush()
}

// writeMapping writes the line of the mapping of index i.
func writeMapping(b *bufio.Writer, mm *decoder.MM, i int) {
	v := mm.VMAs[i]
	var dev decoder.Dev
	var ino uint64
	if v.File != nil {
		dev, ino = v.File.Dev, v.File.Ino
	}
	n, _ := fmt.Fprintf(b, "%v %s %08x %02x:%02x %d ", v.Range, Perms(v), v.PgOff, dev.Major, dev.Minor, ino)
	if name := mappingName(mm, i); name != "" {
		// A name behind a line that is too long still has its space.
		fmt.Fprintf(b, "%*s%s", max(nameColumn-n, 1), "", name)
	}
	b.WriteByte('\n')
}

// Perms is the second column of maps: r-xp.
func Perms(v *decoder.VMA) string {
	perms := []byte("---p")
	for i, p := range []decoder.Prot{decoder.ProtRead, decoder.ProtWrite, decoder.ProtExec} {
		if v.Prot&p != 0 {
			perms[i] = "rwx"[i]
		}
	}
	if !v.Private() {
		perms[3] = 's'
	}
	return string(perms)
}

// mappingName is the last column of maps for the mapping of index i.
func mappingName(mm *decoder.MM, i int) string {
	v := mm.VMAs[i]
	switch {
	case v.File != nil:
		// The kernel escapes newlines and nothing else (seq_path).
		return strings.ReplaceAll(v.File.KernelName(), "\n", `\012`)
	case v.Status.Has(decoder.StatusVDSO):
		return "[vdso]"
	case v.Status.Has(decoder.StatusVVAR):
		if i > 0 && mm.VMAs[i-1].Status.Has(decoder.StatusVVAR) && mm.VMAs[i-1].End == v.Start {
			return "[vvar_vclock]"
		}
		return "[vvar]"
	case v.Status.Has(decoder.StatusVsyscall):
		return "[vsyscall]"
	case v.Status.Has(decoder.StatusUprobes):
		return "[uprobes]"
	case v.Start < mm.Brk && v.End > mm.StartBrk:
		return "[heap]"
	case v.Start <= mm.StartStack && v.End >= mm.StartStack:
		return "[stack]"
	default:
		return ""
	}
}

// Labels gives each mapping of a process the short name that it has in mem.d
// and mem.idx, of the characters [A-Za-z0-9._-] only: heap, stack, vdso, anon
// or the base name of the mapped file.
func Labels(mm *decoder.MM) map[*decoder.VMA]string {
	labels := make(map[*decoder.VMA]string, len(mm.VMAs))
	for i, v := range mm.VMAs {
		labels[v] = label(mm, i)
	}
	return labels
}

// maxLabel keeps the names in mem.d well below the 255 bytes that a name may
// have.
const maxLabel = 128

func label(mm *decoder.MM, i int) string {
	name := mappingName(mm, i)
	if f := mm.VMAs[i].File; f != nil {
		name = strings.TrimSuffix(f.KernelName(), " (deleted)")
		name = name[strings.LastIndexByte(name, '/')+1:]
	} else {
		name = strings.Trim(name, "[]")
	}
	if name == "" {
		return "anon"
	}
	safe := []byte(name[:min(len(name), maxLabel)])
	for i, c := range safe {
		if !isLabelByte(c) {
			safe[i] = '_'
		}
	}
	return string(safe)
}

func isLabelByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
