package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// MemIdx writes where the bytes of every range of the address space come
// from, a line for each, its fields separated by tabs:
//
//	start end perms kind source offset label
//
// Addresses have 16 hexadecimal digits. The source is a path in the mount and
// the offset, in decimal, the place of start in it; where bytes have no source
// both are "-".
//
// An eighth field, "modified", marks captured pages of a private mapping of an
// executable file: somebody wrote to them, which is how patched code shows.
// CRIU itself does so to the first page of the first such mapping, and puts
// back what was there (compel/src/lib/infect.c). So where the file is known
// the mark is left out if its bytes are the same, and not more than can be
// compared; and it is "unreadable" where either of them cannot be read.
func MemIdx(w io.Writer, mm *decoder.MM, space *memview.AddressSpace) error {
	b := bufio.NewWriter(w)
	labels := Labels(mm)
	left := uint64(maxCompared)
	for s := range space.All() {
		fmt.Fprintf(b, "%016x\t%016x\t%s\t%v\t", uint64(s.Start), uint64(s.End), Perms(s.VMA), s.Kind)
		if s.Src != nil {
			fmt.Fprintf(b, "%s\t%d\t", s.Src.Name, s.Off)
		} else {
			b.WriteString("-\t-\t")
		}
		b.WriteString(labels[s.VMA])
		b.WriteString(mark(space, s, &left) + "\n")
	}
	return b.Flush()
}

// maxCompared is how many bytes of a process are compared with the files that it
// maps: of a hostile archive both can be holes of any size.
const maxCompared = 1 << 30

// mark is the last field of a segment, with the tab before it. left is how much
// there is still time to compare.
func mark(space *memview.AddressSpace, s memview.Segment, left *uint64) string {
	const modified = "\tmodified"
	captured := s.Kind == memview.Captured || s.Kind == memview.Inherited
	if !captured || s.VMA.File == nil || !s.VMA.Private() || s.VMA.Prot&decoder.ProtExec == 0 {
		return ""
	}
	if s.Len() > *left {
		return modified
	}
	*left -= s.Len()
	switch same, err := space.IsAsMapped(s); {
	case err != nil:
		return "\tunreadable"
	case same:
		return ""
	default:
		return modified
	}
}

// StretchName is the name that a stretch has in mem.d:
// 00007ffc7b51e000-00007ffc7b53f000.rw-p.stack.
func StretchName(t memview.Stretch, label string) string {
	return fmt.Sprintf("%016x-%016x.%s.%s", uint64(t.Start), uint64(t.End), Perms(t.VMA), label)
}
