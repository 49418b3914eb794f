package decoder

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
)

// maxNotes bounds what is read in search of a build-id.
const maxNotes = 64 << 10

var errNoBuildID = errors.New("no build-id")

// elfBuildID is the GNU build-id of an ELF file.
func elfBuildID(b *Backing) ([]byte, error) {
	r := io.NewSectionReader(b.Content(), 0, b.Size)
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		notes := make([]byte, min(p.Filesz, maxNotes))
		if _, err := p.ReadAt(notes, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if id := findBuildID(notes, f.ByteOrder); id != nil {
			return id, nil
		}
	}
	return nil, errNoBuildID
}

// findBuildID finds NT_GNU_BUILD_ID among notes: sizes of name and
// descriptor, type, then both of these padded to four bytes; elf(5).
func findBuildID(notes []byte, order binary.ByteOrder) []byte {
	const header, ntGNUBuildID = 12, 3
	for len(notes) >= header {
		name, desc, typ := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:])), order.Uint32(notes[8:])
		start := header + (name+3)&^3
		end := start + desc
		if end > uint64(len(notes)) {
			return nil
		}
		if typ == ntGNUBuildID && string(notes[header:header+name]) == "GNU\x00" {
			return notes[start:end]
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return nil
}
