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
		if id := FindNote(notes, f.ByteOrder, "GNU", ntGNUBuildID); id != nil {
			return id, nil
		}
	}
	return nil, errNoBuildID
}

// ntGNUBuildID is the type of the note with the build-id (NT_GNU_BUILD_ID).
const ntGNUBuildID = 3

// FindNote is the descriptor of the first note of that name and type, or nil.
// A note is the sizes of name and descriptor, its type, then both of these
// padded to four bytes; elf(5).
func FindNote(notes []byte, order binary.ByteOrder, name string, typ uint32) []byte {
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
