package coredump

import (
	"debug/elf"
	"encoding/binary"
	"math"
)

// class is the size of a process's words, C's unsigned long. A core file is
// of its process's class, and most of its structures differ with it. Where
// possible they are made in 64 bits, and narrowed for a 32-bit process.
type class elf.Class

const (
	class32 = class(elf.ELFCLASS32)
	class64 = class(elf.ELFCLASS64)
)

func classOf(m elf.Machine) class {
	if m == elf.EM_386 {
		return class32
	}
	return class64
}

// wordSize is in bytes.
func (c class) wordSize() int {
	if c == class32 {
		return 4
	}
	return 8
}

// maxWord is the largest address.
func (c class) maxWord() uint64 {
	if c == class32 {
		return math.MaxUint32
	}
	return math.MaxUint64
}

// maxSize is the size in bytes of the largest core file. Offsets are words.
func (c class) maxSize() int64 { return int64(min(c.maxWord(), math.MaxInt64)) }

// ident is the start of an ELF file.
func (c class) ident() [elf.EI_NIDENT]byte {
	return [elf.EI_NIDENT]byte{
		0x7f, 'E', 'L', 'F',
		elf.EI_CLASS:   byte(c),
		elf.EI_DATA:    byte(elf.ELFDATA2LSB),
		elf.EI_VERSION: byte(elf.EV_CURRENT),
	}
}

// appendWords appends words of the class's size.
func (c class) appendWords(b []byte, words ...uint64) []byte {
	if c == class64 {
		return appendLE(b, words)
	}
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, uint32(w))
	}
	return b
}
