package coredump

import (
	"debug/elf"
	"iter"
	"slices"

	"github.com/ckptfs/ckptfs/decoder"
)

// WithFakeBuildIDs is mem with pages that the checkpoint does not have: for
// each mapped ELF file of p whose first page is absent, one is made up that
// says no more than the build-id, which CRIU recorded. A debugger that looks
// for it there (gdb since version 14) then refuses another build of the file,
// and finds the executable by itself.
//
// These bytes are fabricated, and never were in the process:
//
//	0x000  ELF header
//	0x800  one program header, PT_NOTE
//	0xc00  the note NT_GNU_BUILD_ID
//
// There is no PT_LOAD, with which elfutils would name the wrong functions. Of
// the executable what lies between header and program header stays absent:
// there the program headers would be that AT_PHDR points at, by which gdb
// relocates the program.
func WithFakeBuildIDs(p *decoder.Process, mem Memory) Memory {
	threads, err := threadsOf(p)
	if err != nil || p.MM == nil {
		return mem // New says why
	}
	f := &fakeIDs{Memory: mem, machine: threads[0].machine()}
	for _, v := range p.MM.VMAs {
		if v.File == nil || v.File.BuildID == nil || v.PgOff != 0 || len(v.File.BuildID) > maxBuildID {
			continue
		}
		first := decoder.Range{Start: v.Start, End: v.Start + fakeSize}
		known := false
		for range mem.Runs(first) {
			known = true
			break
		}
		if known {
			continue
		}
		page := fakePage{first, v.File.BuildID}
		if exe := p.MM.Exe; exe != nil && exe.Path == v.File.Path {
			header := page
			header.End = v.Start + decoder.Addr(classOf(f.machine).sizes().ehdr)
			f.pages = append(f.pages, header)
			page.Start += fakePhdr
		}
		f.pages = append(f.pages, page)
	}
	return f
}

// What stands where in a fabricated page, in bytes from its start.
const (
	fakePhdr = 0x800
	fakeNote = 0xc00
	fakeSize = 0x1000
)

// maxBuildID is more than any build-id has, which is a hash.
const maxBuildID = 64

// fakeIDs is a memory with fabricated pages.
type fakeIDs struct {
	Memory
	machine elf.Machine
	pages   []fakePage // ascending; where the memory has nothing
}

// fakePage is a fabricated page, or a part of one.
type fakePage struct {
	decoder.Range
	buildID []byte
}

// bytes are the bytes of the page.
func (p fakePage) bytes(m elf.Machine) []byte {
	c := classOf(m)
	size := c.sizes()
	note := appendNote(nil, "GNU", ntGNUBuildID, p.buildID)
	b := c.appendEhdr(nil, elf.Header64{
		Ident:     c.ident(),
		Type:      uint16(elf.ET_DYN),
		Machine:   uint16(m),
		Version:   uint32(elf.EV_CURRENT),
		Phoff:     fakePhdr,
		Ehsize:    uint16(size.ehdr),
		Phentsize: uint16(size.phdr),
		Phnum:     1,
	})
	b = c.appendPhdr(padTo(b, fakePhdr), elf.Prog64{
		Type:   uint32(elf.PT_NOTE),
		Flags:  uint32(elf.PF_R),
		Off:    fakeNote,
		Vaddr:  fakeNote,
		Paddr:  fakeNote,
		Filesz: uint64(len(note)),
		Memsz:  uint64(len(note)),
		Align:  4,
	})
	return padTo(append(padTo(b, fakeNote), note...), fakeSize)
}

// ReadMem reads what is in the memory, and where it ends, what was made up.
func (f *fakeIDs) ReadMem(p []byte, a decoder.Addr) (n int, err error) {
	for n < len(p) && err == nil {
		at := a + decoder.Addr(n)
		i, found := f.find(at)
		if found {
			page := f.pages[i]
			b := page.bytes(f.machine)
			from := at & (fakeSize - 1)
			n += copy(p[n:], b[from:from+(page.End-at)])
			continue
		}
		want := p[n:]
		if i < len(f.pages) && uint64(len(want)) > uint64(f.pages[i].Start-at) {
			want = want[:f.pages[i].Start-at]
		}
		var m int
		m, err = f.Memory.ReadMem(want, at)
		n += m
	}
	return n, err
}

// find is the index of the fabricated page that a lies in, or of the first one
// behind it.
func (f *fakeIDs) find(a decoder.Addr) (int, bool) {
	return slices.BinarySearchFunc(f.pages, a, func(p fakePage, a decoder.Addr) int {
		switch {
		case p.End <= a:
			return -1
		case a < p.Start:
			return 1
		default:
			return 0
		}
	})
}

// Runs yields the runs of both.
func (f *fakeIDs) Runs(r decoder.Range) iter.Seq2[decoder.Range, bool] {
	return func(yield func(decoder.Range, bool) bool) {
		i, _ := f.find(r.Start)
		// made yields the fabricated pages that begin below end.
		made := func(end decoder.Addr) bool {
			for ; i < len(f.pages) && f.pages[i].Start < end; i++ {
				if !yield(f.pages[i].Intersect(r), true) {
					return false
				}
			}
			return true
		}
		for run, data := range f.Memory.Runs(r) {
			if !made(run.Start) || !yield(run, data) {
				return
			}
		}
		made(r.End)
	}
}
