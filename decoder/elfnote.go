package decoder

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// What is read of an ELF file in search of a note, in bytes. [elf.NewFile] has
// no such bounds: it reads the names of all sections, of whatever size they say
// to be.
const (
	maxProgramHeaders = 64 << 10 // as many as the kernel takes (fs/binfmt_elf.c:load_elf_phdrs)
	maxNotes          = 64 << 10 // of all segments
)

var errNotELF = errors.New("not an ELF file")

// ELFNote is the descriptor of the first note of that name and type that the
// program headers of an ELF file lead to, nil where there is none, and the byte
// order of the file.
//
// Source: elf(5).
func ELFNote(r io.ReaderAt, name string, typ uint32) ([]byte, binary.ByteOrder, error) {
	var ident [elf.EI_NIDENT]byte
	if _, err := r.ReadAt(ident[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	var order binary.ByteOrder
	switch data := elf.Data(ident[elf.EI_DATA]); {
	case string(ident[:len(elf.ELFMAG)]) != elf.ELFMAG:
		return nil, nil, errNotELF
	case data == elf.ELFDATA2LSB:
		order = binary.LittleEndian
	case data == elf.ELFDATA2MSB:
		order = binary.BigEndian
	default:
		return nil, nil, errNotELF
	}
	segments, err := noteSegments(r, elf.Class(ident[elf.EI_CLASS]), order)
	left := uint64(maxNotes)
	for _, s := range segments {
		notes := make([]byte, min(s.size, left))
		left -= uint64(len(notes))
		n, readErr := r.ReadAt(notes, int64(min(s.off, math.MaxInt64)))
		if n < len(notes) && !errors.Is(readErr, io.EOF) {
			err = errors.Join(err, readErr)
		}
		if desc := findNote(notes[:n], order, name, typ); desc != nil {
			return desc, order, nil
		}
	}
	return nil, order, err
}

// noteSegment is where a segment with notes lies in a file.
type noteSegment struct{ off, size uint64 }

// noteSegments are those of an ELF file.
func noteSegments(r io.ReaderAt, class elf.Class, order binary.ByteOrder) (list []noteSegment, err error) {
	switch class {
	case elf.ELFCLASS64:
		var h elf.Header64
		if err := binary.Read(io.NewSectionReader(r, 0, math.MaxInt64), order, &h); err != nil {
			return nil, err
		}
		progs, err := programHeaders[elf.Prog64](r, order, h.Phoff, h.Phentsize, h.Phnum)
		for _, p := range progs {
			if elf.ProgType(p.Type) == elf.PT_NOTE {
				list = append(list, noteSegment{p.Off, p.Filesz})
			}
		}
		return list, err
	case elf.ELFCLASS32:
		var h elf.Header32
		if err := binary.Read(io.NewSectionReader(r, 0, math.MaxInt64), order, &h); err != nil {
			return nil, err
		}
		progs, err := programHeaders[elf.Prog32](r, order, uint64(h.Phoff), h.Phentsize, h.Phnum)
		for _, p := range progs {
			if elf.ProgType(p.Type) == elf.PT_NOTE {
				list = append(list, noteSegment{uint64(p.Off), uint64(p.Filesz)})
			}
		}
		return list, err
	default:
		return nil, errNotELF
	}
}

// programHeaders are those of an ELF file of the class that P is of.
func programHeaders[P elf.Prog32 | elf.Prog64](r io.ReaderAt, order binary.ByteOrder, off uint64, size, count uint16) ([]P, error) {
	var one P
	if int(size) != binary.Size(one) || off > math.MaxInt64 {
		return nil, errNotELF
	}
	list := make([]P, min(int(count), maxProgramHeaders/int(size)))
	return list, binary.Read(io.NewSectionReader(r, int64(off), math.MaxInt64-int64(off)), order, list)
}

// findNote is the descriptor of the first note of that name and type, or nil.
// A note is the sizes of name and descriptor, its type, then both of these
// padded to four bytes; elf(5).
func findNote(notes []byte, order binary.ByteOrder, name string, typ uint32) []byte {
	const header = 12
	for len(notes) >= header {
		nameSize, descSize := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:]))
		start := header + (nameSize+3)&^3
		end := start + descSize
		if end > uint64(len(notes)) {
			return nil
		}
		if order.Uint32(notes[8:]) == typ && string(notes[header:header+nameSize]) == name+"\x00" {
			return notes[start:end]
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return nil
}
