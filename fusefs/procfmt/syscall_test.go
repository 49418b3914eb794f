package procfmt

import (
	"math"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

func TestSyscall(t *testing.T) {
	x86 := func(arch decoder.Arch, g decoder.X86GP) *decoder.Registers {
		g.DI, g.SI, g.DX, g.R10, g.R8, g.R9, g.BX, g.BP, g.SP = 1, 2, 3, 4, 5, 6, 0xb, 0xbb, 0x7000
		return &decoder.Registers{Arch: arch, X86: &decoder.X86Registers{GP: g}}
	}
	arm := func(pc uint64) *decoder.Registers {
		r := &decoder.ARM64Registers{SP: 0x7000, PC: pc}
		for i := range r.X {
			r.X[i] = uint64(i) + 1
		}
		return &decoder.Registers{Arch: decoder.ArchAArch64, ARM64: r}
	}
	for _, test := range []struct {
		name string
		r    *decoder.Registers
		want string
	}{
		{"to be restarted", x86(decoder.ArchX86_64, decoder.X86GP{AX: 34, OrigAX: 34, IP: 0x400000, CX: 0x400002}), "34 0x1 0x2 0x3 0x4 0x5 0x6 0x7000 0x400002\n"},
		{"whose result is its number", x86(decoder.ArchX86_64, decoder.X86GP{AX: 34, OrigAX: 34, IP: 0x400002, CX: 0x400002}), "34 0x1 0x2 0x3 0x4 0x5 0x6 0x7000 0x400002\n"},
		{"interrupted", x86(decoder.ArchX86_64, decoder.X86GP{AX: math.MaxUint64 - 3, OrigAX: 230, IP: 0x400002, CX: 0x400002}), "230 0x1 0x2 0x3 0x4 0x5 0x6 0x7000 0x400002\n"},
		{"none", x86(decoder.ArchX86_64, decoder.X86GP{AX: 34, OrigAX: math.MaxUint64, IP: 0x400000, CX: 0x400002}), "-1 0x7000 0x400000\n"},
		{"at the end of memory", x86(decoder.ArchX86_64, decoder.X86GP{AX: 0, OrigAX: 0, IP: math.MaxUint64, CX: 1}), "0 0x1 0x2 0x3 0x4 0x5 0x6 0x7000 0x1\n"},
		{"of 32 bits", x86(decoder.ArchI386, decoder.X86GP{AX: 29, OrigAX: 29, IP: 0x400000}), "29 0xb 0x0 0x3 0x2 0x1 0xbb 0x7000 0x400002\n"},
		{"ARM, at the instruction", arm(0x1000), "9 0x1 0x2 0x3 0x4 0x5 0x6 0x7000 0x1004\n"},
		{"ARM, at another", arm(0x1004), "-1 0x7000 0x1004\n"},
		{"ARM, where the code ends", arm(0x1ffe), "running\n"},
		{"ARM, without the code", arm(0x5000), "running\n"},
		{"ARM, at the end of memory", arm(math.MaxUint64), "running\n"},
	} {
		code := make([]byte, 4096)
		copy(code, "\x01\x00\x00\xd4") // svc #0
		var b strings.Builder
		if err := Syscall(&b, test.r, spaceOf(0x1000, code)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if b.String() != test.want {
			t.Errorf("%s: %q, want %q", test.name, b.String(), test.want)
		}
	}
	var b strings.Builder
	if err := Syscall(&b, arm(0x1000), nil); err != nil || b.String() != "running\n" {
		t.Errorf("ARM, without memory: %q, %v", b.String(), err)
	}
}

// spaceOf is an address space that holds no more than page at start.
func spaceOf(start uint64, page []byte) *memview.AddressSpace {
	r := decoder.Range{Start: decoder.Addr(start), End: decoder.Addr(start) + decoder.Addr(len(page))}
	file := &decoder.File{Kind: decoder.FileRegular, Path: "/code", Size: int64(len(page)), Backing: &decoder.Backing{
		Image: decoder.Image{ReaderAt: strings.NewReader(string(page))}, Size: int64(len(page)), Fragments: []decoder.Fragment{{Len: int64(len(page))}},
	}}
	return memview.New(&decoder.MM{PageSize: 4096, VMAs: []*decoder.VMA{{
		Range: r, Prot: decoder.ProtRead | decoder.ProtExec, Flags: decoder.MapPrivate,
		Status: decoder.StatusRegular | decoder.StatusFilePrivate, File: file,
	}}})
}
