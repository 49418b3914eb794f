package coredump

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

func TestDebugELF(t *testing.T) {
	vmas, mem := draw("[Dz][.D]", testPage)
	vmas[1].Prot = decoder.ProtRead | decoder.ProtWrite | decoder.ProtExec
	c := newCore(t, testProcess(vmas, testPage), mem)
	f, err := elf.NewFile(c)
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_CORE || f.Machine != elf.EM_X86_64 || len(f.Sections) != 0 {
		t.Errorf("file is %v for %v with %d sections", f.Type, f.Machine, len(f.Sections))
	}
	const noteSize = 20 + 336 + 20 + 136 + 20 + 128 + 20 + 16 + 20 + 16 + 20 + 512
	off := uint64(c.headSize)
	want := []elf.ProgHeader{
		{Type: elf.PT_NOTE, Off: 64 + 3*56, Filesz: noteSize, Align: 4},
		{Type: elf.PT_LOAD, Flags: elf.PF_R, Off: off, Vaddr: 0x10000, Filesz: 0x2000, Memsz: 0x2000, Align: testPage},
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W | elf.PF_X, Off: off + 0x2000, Vaddr: 0x13000, Filesz: 0x1000, Memsz: 0x1000, Align: testPage},
	}
	if len(f.Progs) != len(want) {
		t.Fatalf("%d program headers, want %d", len(f.Progs), len(want))
	}
	for i, p := range f.Progs {
		if p.ProgHeader != want[i] {
			t.Errorf("program header %d is %+v, want %+v", i, p.ProgHeader, want[i])
		}
	}
	b, err := io.ReadAll(f.Progs[2].Open())
	if err != nil || len(b) != testPage || b[1] != contentAt(0x13001) {
		t.Errorf("memory at 0x13000: %d bytes, error %v", len(b), err)
	}
}

func TestDebugELF32(t *testing.T) {
	vmas, mem := draw("[Dz][.D]", testPage)
	vmas[1].Prot = decoder.ProtRead | decoder.ProtWrite | decoder.ProtExec
	c := newCore(t, archProcess(decoder.ArchI386, vmas, testPage), mem)
	f, err := elf.NewFile(c)
	if err != nil {
		t.Fatal(err)
	}
	if f.Class != elf.ELFCLASS32 || f.Type != elf.ET_CORE || f.Machine != elf.EM_386 || len(f.Sections) != 0 {
		t.Errorf("file is %v of %v for %v with %d sections", f.Type, f.Class, f.Machine, len(f.Sections))
	}
	const noteSize = 20 + 144 + 20 + 124 + 20 + 128 + 20 + 8 + 20 + 8 + 20 + 108 + 20 + 512
	off := uint64(c.headSize)
	want := []elf.ProgHeader{
		{Type: elf.PT_NOTE, Off: 52 + 3*32, Filesz: noteSize, Align: 4},
		{Type: elf.PT_LOAD, Flags: elf.PF_R, Off: off, Vaddr: 0x10000, Filesz: 0x2000, Memsz: 0x2000, Align: testPage},
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W | elf.PF_X, Off: off + 0x2000, Vaddr: 0x13000, Filesz: 0x1000, Memsz: 0x1000, Align: testPage},
	}
	var got []elf.ProgHeader
	for _, p := range f.Progs {
		got = append(got, p.ProgHeader)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("program headers are\n%+v\nwant\n%+v", got, want)
	}
	b, err := io.ReadAll(f.Progs[2].Open())
	if err != nil || len(b) != testPage || b[1] != contentAt(0x13001) {
		t.Errorf("memory at 0x13000: %d bytes, error %v", len(b), err)
	}
}

// TestPNXNUM32 makes a 32-bit core file of 65,889 segments, one page each.
func TestPNXNUM32(t *testing.T) {
	const segments = 65_889
	p := testProcess(nil, testPage)
	p.Threads[0].Registers.Arch = decoder.ArchI386
	for i := range segments {
		a := decoder.Addr(i) << 13
		p.MM.VMAs = append(p.MM.VMAs, &decoder.VMA{Range: decoder.Range{Start: a, End: a + testPage}})
	}
	c := newCore(t, p, &vmaMemory{})
	var h elf.Header32
	if err := binary.Read(io.NewSectionReader(c, 0, 52), binary.LittleEndian, &h); err != nil {
		t.Fatal(err)
	}
	if h.Phnum != 0xffff || int64(h.Shoff) != c.Size()-40 || h.Shentsize != 40 || h.Shnum != 1 {
		t.Errorf("phnum %d, shoff %#x, shentsize %d, shnum %d", h.Phnum, h.Shoff, h.Shentsize, h.Shnum)
	}
	var got, want [40]byte
	if n, err := c.ReadAt(got[:], int64(h.Shoff)); n != 40 || err != nil {
		t.Fatalf("section header at %#x of %#x: %d bytes, %v", h.Shoff, c.Size(), n, err)
	}
	want[20] = 1 // sh_size
	binary.LittleEndian.PutUint32(want[28:], segments+1)
	if got != want {
		t.Errorf("section header\n%s want\n%s", hex.Dump(got[:]), hex.Dump(want[:]))
	}
}

// TestPNXNUM makes a core file of 65,889 segments, one page each.
func TestPNXNUM(t *testing.T) {
	for _, tt := range []struct {
		name     string
		segments int
		phnum    uint16
		shdrs    bool
	}{
		{"the most without", 65_533, 65_534, false},
		{"the least with", 65_534, 65_535, true},
		{"more", 65_889, 65_535, true},
	} {
		c := manySegments(t, tt.segments)
		var h elf.Header64
		if err := binary.Read(io.NewSectionReader(c, 0, 64), binary.LittleEndian, &h); err != nil {
			t.Fatal(err)
		}
		if h.Phnum != tt.phnum || (h.Shoff != 0) != tt.shdrs || (h.Shnum == 1) != tt.shdrs {
			t.Errorf("%s: phnum %d, shoff %#x, shnum %d", tt.name, h.Phnum, h.Shoff, h.Shnum)
		}
		if !tt.shdrs {
			continue
		}
		var got [64]byte
		if n, err := c.ReadAt(got[:], int64(h.Shoff)); n != 64 || err != nil || c.Size() != int64(h.Shoff)+64 {
			t.Fatalf("%s: section header at %#x of %#x: %d bytes, %v", tt.name, h.Shoff, c.Size(), n, err)
		}
		var want [64]byte
		want[32] = 1 // sh_size
		binary.LittleEndian.PutUint32(want[44:], uint32(tt.segments)+1)
		if got != want {
			t.Errorf("%s: section header\n%s want\n%s", tt.name, hex.Dump(got[:]), hex.Dump(want[:]))
		}
		if off, err := c.NextData(c.headSize); off != int64(h.Shoff) || err != nil {
			t.Errorf("%s: NextData = %d, %v, want the section header", tt.name, off, err)
		}
		if off, err := c.NextData(c.Size() - 1); off != c.Size()-1 || err != nil {
			t.Errorf("%s: NextData(%d) = %d, %v, want the last byte", tt.name, c.Size()-1, off, err)
		}
	}
}

// manySegments is a core file of n VMAs, all zeros, with a gap after each.
func manySegments(t testing.TB, n int) *Core {
	mem := &vmaMemory{}
	var vmas []*decoder.VMA
	for i := range n {
		a := testBase + decoder.Addr(2*i*testPage)
		vmas = append(vmas, &decoder.VMA{Range: decoder.Range{Start: a, End: a + testPage}})
	}
	return newCore(t, testProcess(vmas, testPage), mem)
}

// vmaMemory is zero wherever it is asked.
type vmaMemory struct{}

func (*vmaMemory) ReadMem(p []byte, _ decoder.Addr) (int, error) { clear(p); return len(p), nil }

func (*vmaMemory) Runs(r decoder.Range) iter.Seq2[decoder.Range, bool] {
	return func(yield func(decoder.Range, bool) bool) { yield(r, false) }
}

func TestReadelfPNXNUM(t *testing.T) {
	readelf, err := exec.LookPath("readelf")
	if err != nil {
		t.Skip(err)
	}
	c := manySegments(t, 65_888)
	name := filepath.Join(t.TempDir(), "core")
	writeSparse(t, c, name)
	out, err := exec.Command(readelf, "-hW", name).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("65535 (65889)")) || strings.Contains(string(out), "arning") {
		t.Errorf("readelf -h: %v\n%s", err, out)
	}
}

// writeSparse writes the data of c into a file of its size.
func writeSparse(t *testing.T, c *Core, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, d := range walk(t, c) {
		b := make([]byte, d[1]-d[0])
		if _, err := c.ReadAt(b, d[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b, d[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(c.Size()); err != nil {
		t.Fatal(err)
	}
}
