package coredump

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/ckptfs/ckptfs/decoder"
)

// fakeSample is a process of an executable and two libraries, the first pages
// of which are absent but for the second library's.
func fakeSample(arch decoder.Arch) (*decoder.Process, *fakeMemory) {
	vmas, mem := draw("[..D] [.D][DD][.]", testPage)
	p := archProcess(arch, vmas, testPage)
	file := func(path, id string) *decoder.File {
		b, _ := hex.DecodeString(id)
		return &decoder.File{Kind: decoder.FileRegular, Path: path, BuildID: b}
	}
	vmas[0].File = file("/bin/exe", "00112233445566778899aabbccddeeff00112233")
	vmas[1].File = file("/lib/a.so", "a1a2a3a4")
	vmas[2].File = file("/lib/b.so", "b1b2b3b4")
	vmas[3].File = vmas[1].File
	vmas[3].PgOff = testPage
	p.MM.Exe = file("/bin/exe", "")
	return p, mem
}

func TestFakeBuildIDs(t *testing.T) {
	for _, arch := range testArchs {
		p, mem := fakeSample(arch)
		c := newCore(t, p, WithFakeBuildIDs(p, mem))
		whole, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(io.NewSectionReader(c, 0, c.Size()), whole); err != nil {
			t.Errorf("%v: %v", arch, err)
		}
		for off := int64(0); off < c.Size(); {
			hole, _ := c.NextHole(off)
			data, err := c.NextData(hole)
			if err != nil {
				data = c.Size()
			}
			if len(bytes.Trim(whole[hole:data], "\x00")) > 0 {
				t.Errorf("%v: a hole from %d to %d that is not zeros", arch, hole, data)
			}
			off = data
		}

		f, err := elf.NewFile(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		header := uint64(classOf(f.Machine).sizes().ehdr)
		want := []decoder.Range{
			{Start: testBase, End: testBase + decoder.Addr(header)}, // of the executable
			{Start: testBase + 0x800, End: testBase + 0x1000},
			{Start: testBase + 0x2000, End: testBase + 0x3000},
			{Start: testBase + 0x4000, End: testBase + 0x6000}, // of /lib/a.so, the second captured
			{Start: testBase + 0x6000, End: testBase + 0x8000}, // /lib/b.so
		}
		var got []decoder.Range
		for _, seg := range f.Progs {
			if seg.Type != elf.PT_LOAD {
				continue
			}
			if seg.Vaddr%testPage != seg.Off%testPage || seg.Filesz != seg.Memsz {
				t.Errorf("%v: segment %+v", arch, seg.ProgHeader)
			}
			got = append(got, decoder.Range{Start: decoder.Addr(seg.Vaddr), End: decoder.Addr(seg.Vaddr + seg.Memsz)})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: segments %v, want %v", arch, got, want)
		}
		// Whoever reads a file from a segment's offset on finds the build-id.
		for i, id := range map[int][]byte{1: p.MM.VMAs[0].File.BuildID, 4: p.MM.VMAs[1].File.BuildID} {
			if got := buildIDAt(t, whole[f.Progs[i].Off:]); !bytes.Equal(got, id) {
				t.Errorf("%v: segment %d has build-id %x, want %x", arch, i, got, id)
			}
		}
	}
}

// buildIDAt is the build-id of an ELF file that has no sections.
func buildIDAt(t *testing.T, b []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range f.Progs {
		note, err := io.ReadAll(seg.Open())
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := bytes.CutPrefix(note[12:], []byte("GNU\x00")); ok && seg.Type == elf.PT_NOTE && note[8] == 3 {
			return id
		}
	}
	return nil
}

func TestFakeBuildIDsErrors(t *testing.T) {
	p, mem := fakeSample(decoder.ArchX86_64)
	fake := WithFakeBuildIDs(p, mem)
	b := make([]byte, 0x1000)
	if n, err := fake.ReadMem(b, testBase); n != 64 || err == nil {
		t.Errorf("reading past the header of the executable: %d bytes, error %v, want 64 and an error", n, err)
	}
	mem.err = errors.New("broken")
	if n, err := fake.ReadMem(make([]byte, 2*testPage), testBase+0x4000); n != testPage || !errors.Is(err, mem.err) {
		t.Errorf("reading on into memory: %d bytes, error %v, want %d and %v", n, err, testPage, mem.err)
	}
	if got := WithFakeBuildIDs(&decoder.Process{}, mem); got != Memory(mem) {
		t.Error("a process without memory got pages")
	}
}
