package coredump

import (
	"fmt"
	"slices"

	"github.com/ckptfs/ckptfs/decoder"
)

// part is a range of the address space that stands in the core file.
type part struct {
	decoder.Range
	off  int64 // of Start, in the file
	prot decoder.Prot
}

// end is the offset behind the part.
func (p *part) end() int64 { return p.off + int64(p.Len()) }

// addr is the address of the byte at the offset off, which lies in the part.
func (p *part) addr(off int64) decoder.Addr { return p.Start + decoder.Addr(off-p.off) }

// offset is the offset of the byte at the address a, which lies in the part
// or at its end.
func (p *part) offset(a decoder.Addr) int64 { return p.off + int64(a-p.Start) }

// maxParts bounds what the mappings of a hostile checkpoint can multiply into.
const maxParts = 4 << 20

// known is the list of the maximal ranges of the VMAs whose bytes are known,
// with offsets yet to be set, and how many bytes of them are stored.
func known(vmas []*decoder.VMA, mem Memory) (parts []part, data int64, err error) {
	for _, v := range vmas {
		first := len(parts)
		for r, stored := range mem.Runs(v.Range) {
			if stored {
				data += int64(r.Len())
			}
			if last := len(parts) - 1; last >= first && parts[last].End == r.Start {
				parts[last].End = r.End
				continue
			}
			if len(parts) == maxParts {
				return nil, 0, &UnsupportedError{fmt.Sprintf("more than %d pieces of memory", maxParts)}
			}
			parts = append(parts, part{Range: r, prot: v.Prot})
		}
	}
	return slices.Clip(parts), data, nil
}

// place sets the offsets of the parts, one behind the other from off on, each
// at the place in its page that it has in memory. It returns the offset behind
// the last. Memory for which words of the class are too short is an error.
func place(parts []part, c class, off, page int64) (end int64, err error) {
	room := c.maxSize() - int64(c.sizes().shdr)
	for i := range parts {
		p := &parts[i]
		if uint64(p.End-1) > c.maxWord() {
			return 0, &UnsupportedError{fmt.Sprintf("memory up to %s is beyond the addresses of a 32-bit process", p.Range)}
		}
		gap := (int64(p.Start) - off) & (page - 1)
		if p.Len() > uint64(max(room-off-gap, 0)) {
			return 0, &UnsupportedError{fmt.Sprintf("memory up to %s is too large for a file", p.Range)}
		}
		p.off = off + gap
		off = p.end()
	}
	return off, nil
}

// find is the index of the part that holds the offset off. Below the first
// part it is 0, behind the last their number.
func (c *Core) find(off int64) int {
	i, _ := slices.BinarySearchFunc(c.parts, off, func(p part, off int64) int {
		switch {
		case p.end() <= off:
			return -1
		case off < p.off:
			return 1
		default:
			return 0
		}
	})
	return i
}
