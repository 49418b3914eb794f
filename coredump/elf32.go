package coredump

import "debug/elf"

// elfSizes are the sizes of the structures of an ELF file, in bytes.
type elfSizes struct{ ehdr, phdr, shdr int }

func (c class) sizes() elfSizes {
	if c == class32 {
		return elfSizes{ehdr: 52, phdr: 32, shdr: 40}
	}
	return elfSizes{ehdr: 64, phdr: 56, shdr: 64}
}

func (c class) appendEhdr(b []byte, e elf.Header64) []byte {
	if c == class64 {
		return appendLE(b, e)
	}
	return appendLE(b, elf.Header32{
		Ident:     e.Ident,
		Type:      e.Type,
		Machine:   e.Machine,
		Version:   e.Version,
		Entry:     uint32(e.Entry),
		Phoff:     uint32(e.Phoff),
		Shoff:     uint32(e.Shoff),
		Flags:     e.Flags,
		Ehsize:    e.Ehsize,
		Phentsize: e.Phentsize,
		Phnum:     e.Phnum,
		Shentsize: e.Shentsize,
		Shnum:     e.Shnum,
		Shstrndx:  e.Shstrndx,
	})
}

func (c class) appendPhdr(b []byte, p elf.Prog64) []byte {
	if c == class64 {
		return appendLE(b, p)
	}
	return appendLE(b, elf.Prog32{
		Type:   p.Type,
		Off:    uint32(p.Off),
		Vaddr:  uint32(p.Vaddr),
		Paddr:  uint32(p.Paddr),
		Filesz: uint32(p.Filesz),
		Memsz:  uint32(p.Memsz),
		Flags:  p.Flags,
		Align:  uint32(p.Align),
	})
}

func (c class) appendShdr(b []byte, s elf.Section64) []byte {
	if c == class64 {
		return appendLE(b, s)
	}
	return appendLE(b, elf.Section32{
		Name:      s.Name,
		Type:      s.Type,
		Flags:     uint32(s.Flags),
		Addr:      uint32(s.Addr),
		Off:       uint32(s.Off),
		Size:      uint32(s.Size),
		Link:      s.Link,
		Info:      s.Info,
		Addralign: uint32(s.Addralign),
		Entsize:   uint32(s.Entsize),
	})
}
