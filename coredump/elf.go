package coredump

import (
	"debug/elf"
	"encoding/binary"
	"fmt"

	"github.com/ckptfs/ckptfs/decoder"
)

// pnXnum in e_phnum says that there are too many program headers for its 16
// bits, and that their number stands in sh_info of section header 0.
//
// Source: elf(5), PN_XNUM; fs/binfmt_elf.c:fill_extnum_info.
const pnXnum = 0xffff

// headers is what the headers of a core file tell. debug/elf has their
// layouts: [elf.Header64], [elf.Prog64] and [elf.Section64].
type headers struct {
	machine  elf.Machine
	parts    []part
	noteSize int   // bytes of the notes, which follow the program headers
	page     int64 // page size in bytes
	end      int64 // offset behind the last part; not needed for size
}

func (h *headers) class() class { return classOf(h.machine) }

// size is the number of bytes in front of the notes.
func (h *headers) size() int {
	s := h.class().sizes()
	return s.ehdr + s.phdr*h.phnum()
}

// phnum is the number of program headers: one for the notes, and the parts'.
func (h *headers) phnum() int { return 1 + len(h.parts) }

// appendTo appends the ELF header and the program headers, all that stands
// in front of the notes.
//
// Source: fs/binfmt_elf.c:elf_core_dump.
func (h *headers) appendTo(b []byte) []byte {
	c := h.class()
	b = h.appendEhdr(b)
	b = c.appendPhdr(b, elf.Prog64{
		Type:   uint32(elf.PT_NOTE),
		Off:    uint64(h.size()),
		Filesz: uint64(h.noteSize),
		Align:  4,
	})
	for i := range h.parts {
		p := &h.parts[i]
		b = c.appendPhdr(b, elf.Prog64{
			Type:   uint32(elf.PT_LOAD),
			Flags:  uint32(progFlags(p.prot)),
			Off:    uint64(p.off),
			Vaddr:  uint64(p.Start),
			Filesz: p.Len(),
			Memsz:  p.Len(),
			Align:  uint64(h.page),
		})
	}
	return b
}

func (h *headers) appendEhdr(b []byte) []byte {
	size := h.class().sizes()
	e := elf.Header64{
		Ident:     h.class().ident(),
		Type:      uint16(elf.ET_CORE),
		Machine:   uint16(h.machine),
		Version:   uint32(elf.EV_CURRENT),
		Phoff:     uint64(size.ehdr),
		Ehsize:    uint16(size.ehdr),
		Phentsize: uint16(size.phdr),
		Phnum:     uint16(min(h.phnum(), pnXnum)),
	}
	if e.Phnum == pnXnum {
		e.Shoff, e.Shentsize, e.Shnum = uint64(h.end), uint16(size.shdr), 1
	}
	return h.class().appendEhdr(b, e)
}

// appendTail appends the section header that PN_XNUM needs, if it does.
func (h *headers) appendTail(b []byte) []byte {
	if h.phnum() < pnXnum {
		return b
	}
	return h.class().appendShdr(b, elf.Section64{
		Type: uint32(elf.SHT_NULL),
		Size: 1, // as e_shnum
		Info: uint32(h.phnum()),
	})
}

func progFlags(prot decoder.Prot) (f elf.ProgFlag) {
	if prot&decoder.ProtRead != 0 {
		f |= elf.PF_R
	}
	if prot&decoder.ProtWrite != 0 {
		f |= elf.PF_W
	}
	if prot&decoder.ProtExec != 0 {
		f |= elf.PF_X
	}
	return f
}

// appendLE appends v, a value or slice of fixed size, in little-endian order;
// blank fields of a struct become zeros. All architectures with core files
// here are little-endian.
func appendLE(b []byte, v any) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(fmt.Sprintf("coredump: %v", err)) // v is one of our own types
	}
	return b
}

// padTo appends zeros up to the length n.
func padTo(b []byte, n int) []byte { return append(b, make([]byte, n-len(b))...) }

// roundUp is the first multiple of to, a power of two, from n on.
func roundUp(n, to int64) int64 { return (n + to - 1) &^ (to - 1) }
