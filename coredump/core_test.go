package coredump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/ckptfs/ckptfs/decoder"
)

const (
	testPage = 4096
	testBase = decoder.Addr(0x10000) // of the first page of a picture
)

// fakeMemory is a Memory of runs whose data are a function of the address.
type fakeMemory struct {
	runs  []fakeRun // sorted
	err   error     // of every read, where it is set
	reads int
}

type fakeRun struct {
	decoder.Range
	data bool
}

// contentAt is the byte of data at a; it is never 0.
func contentAt(a decoder.Addr) byte { return byte(uint64(a)*0x9e3779b97f4a7c15>>56) | 1 }

func (m *fakeMemory) ReadMem(p []byte, a decoder.Addr) (n int, err error) {
	m.reads++
	if m.err != nil {
		return 0, m.err
	}
	for _, r := range m.runs {
		for n < len(p) && r.Contains(a+decoder.Addr(n)) {
			p[n] = 0
			if r.data {
				p[n] = contentAt(a + decoder.Addr(n))
			}
			n++
		}
	}
	if n < len(p) {
		return n, errors.New("absent")
	}
	return n, nil
}

func (m *fakeMemory) Runs(r decoder.Range) iter.Seq2[decoder.Range, bool] {
	return func(yield func(decoder.Range, bool) bool) {
		for _, run := range m.runs {
			if c := run.Intersect(r); c.Len() > 0 && !yield(c, run.data) {
				return
			}
		}
	}
}

// draw makes memory of a picture, a character for each page:
//
//	[ ]  begin and end of a VMA; no page
//	D    data
//	z    zeros
//	.    absent
//	     not mapped (space)
func draw(picture string, page int) (vmas []*decoder.VMA, mem *fakeMemory) {
	mem = &fakeMemory{}
	a := testBase
	var v *decoder.VMA
	for _, c := range picture {
		switch c {
		case '[':
			v = &decoder.VMA{Range: decoder.Range{Start: a, End: a}, Prot: decoder.ProtRead}
			vmas = append(vmas, v)
			continue
		case ']':
			v = nil
			continue
		}
		next := a + decoder.Addr(page)
		if v != nil {
			v.End = next
		}
		if c == 'D' || c == 'z' {
			if n := len(mem.runs); n > 0 && mem.runs[n-1].data == (c == 'D') && mem.runs[n-1].End == a && v.Start < a {
				mem.runs[n-1].End = next
			} else {
				mem.runs = append(mem.runs, fakeRun{decoder.Range{Start: a, End: next}, c == 'D'})
			}
		}
		a = next
	}
	return vmas, mem
}

// testProcess is a process of one x86-64 thread.
func testProcess(vmas []*decoder.VMA, page int) *decoder.Process {
	return archProcess(decoder.ArchX86_64, vmas, page)
}

func archProcess(arch decoder.Arch, vmas []*decoder.VMA, page int) *decoder.Process {
	return &decoder.Process{
		PID: 7, PPID: 1, PGID: 7, SID: 7, State: decoder.TaskAlive, Comm: "test",
		Threads: []*decoder.Thread{{TID: 7, Registers: &decoder.Registers{
			Arch: arch,
			X86:  &decoder.X86Registers{FP: &decoder.X86FP{}},
		}}},
		MM: &decoder.MM{PageSize: page, VMAs: vmas},
	}
}

func newCore(t testing.TB, p *decoder.Process, mem Memory) *Core {
	t.Helper()
	c, err := New(p, mem)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testArchs are one architecture of each class.
var testArchs = []decoder.Arch{decoder.ArchX86_64, decoder.ArchI386}

// naive builds the core file of a picture as a whole, page by page.
func naive(arch decoder.Arch, picture string, page int) []byte {
	vmas, _ := draw(picture, page)
	p := archProcess(arch, vmas, page)
	threads, _ := threadsOf(p)
	noteBytes := (&notes{process: p, threads: threads}).appendTo(nil)

	var phdrs [][7]uint64 // all fields but the type and flags, which share the first
	var memory []byte
	a, mapped, gap := testBase, false, true
	for _, c := range picture {
		switch c {
		case '[', ']':
			mapped, gap = c == '[', true
			continue
		case 'D', 'z':
			if !mapped {
				panic("page outside a VMA")
			}
			if gap {
				phdrs = append(phdrs, [7]uint64{1 | 4<<32, uint64(len(memory)), uint64(a), 0, 0, 0, uint64(page)})
			}
			last := &phdrs[len(phdrs)-1]
			last[4] += uint64(page)
			last[5] += uint64(page)
			for i := range page {
				b := byte(0)
				if c == 'D' {
					b = contentAt(a + decoder.Addr(i))
				}
				memory = append(memory, b)
			}
			gap = false
		default:
			gap = true
		}
		a += decoder.Addr(page)
	}

	is32 := arch == decoder.ArchI386
	noteOff := 64 + 56*(1+len(phdrs))
	if is32 {
		noteOff = 52 + 32*(1+len(phdrs))
	}
	base := (noteOff + len(noteBytes) + page - 1) / page * page
	file := []byte{
		0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		4, 0, 62, 0, 1, 0, 0, 0, // ET_CORE, EM_X86_64, version
		0, 0, 0, 0, 0, 0, 0, 0, // entry
		64, 0, 0, 0, 0, 0, 0, 0, // phoff
		0, 0, 0, 0, 0, 0, 0, 0, // shoff
		0, 0, 0, 0, 64, 0, 56, 0, // flags, ehsize, phentsize
		byte(1 + len(phdrs)), byte((1 + len(phdrs)) >> 8), 0, 0, 0, 0, 0, 0,
	}
	if is32 {
		file = []byte{
			0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			4, 0, 3, 0, 1, 0, 0, 0, // ET_CORE, EM_386, version
			0, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, // entry, phoff, shoff
			0, 0, 0, 0, 52, 0, 32, 0, // flags, ehsize, phentsize
			byte(1 + len(phdrs)), byte((1 + len(phdrs)) >> 8), 0, 0, 0, 0, 0, 0,
		}
	}
	put := func(ph [7]uint64) {
		for i, w := range ph {
			switch {
			case !is32:
				file = binary.LittleEndian.AppendUint64(file, w)
			case i == 6: // the flags are the last but one
				file = binary.LittleEndian.AppendUint32(file, uint32(ph[0]>>32))
				fallthrough
			default:
				file = binary.LittleEndian.AppendUint32(file, uint32(w))
			}
		}
	}
	put([7]uint64{4, uint64(noteOff), 0, 0, uint64(len(noteBytes)), 0, 4})
	for _, ph := range phdrs {
		ph[1] += uint64(base)
		put(ph)
	}
	file = append(file, noteBytes...)
	file = append(file, make([]byte, base-len(file))...)
	return append(file, memory...)
}

const bigPicture = "[DDzzD][zz][D][.D.zD]  [DDDD].[..][zD] [z]"

func TestReadAtOracle(t *testing.T) {
	const page = testPage
	for _, arch := range testArchs {
		want := naive(arch, bigPicture, page)
		vmas, mem := draw(bigPicture, page)
		c := newCore(t, archProcess(arch, vmas, page), mem)
		if c.Size() != int64(len(want)) {
			t.Fatalf("%v: Size() = %d, want %d", arch, c.Size(), len(want))
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 2_000 {
			off := rnd.IntN(len(want) + 100)
			p := make([]byte, rnd.IntN(3*page))
			checkRead(t, c, want, p, int64(off))
		}
	}
}

// checkRead reads p at off and compares with the whole file.
func checkRead(t *testing.T, c *Core, file, p []byte, off int64) {
	t.Helper()
	want := file[min(off, int64(len(file))):]
	want = want[:min(len(want), len(p))]
	n, err := c.ReadAt(p, off)
	if short := len(want) < len(p); err != nil && !errors.Is(err, io.EOF) || short != errors.Is(err, io.EOF) {
		t.Fatalf("ReadAt(%d bytes, %d): error %v, %d bytes in the file", len(p), off, err, len(want))
	}
	if !bytes.Equal(p[:n], want) {
		t.Fatalf("ReadAt(%d bytes, %d) = %d bytes, not those of the file", len(p), off, n)
	}
}

func TestReader(t *testing.T) {
	want := naive(decoder.ArchX86_64, bigPicture, testPage)
	vmas, mem := draw(bigPicture, testPage)
	c := newCore(t, testProcess(vmas, testPage), mem)
	if err := iotest.TestReader(io.NewSectionReader(c, 0, c.Size()), want); err != nil {
		t.Error(err)
	}
}

func FuzzCoreReadAt(f *testing.F) {
	f.Add(bigPicture, int64(0), uint16(64))
	f.Add("[D]", int64(4095), uint16(2))
	f.Add("[DD.z]", int64(8192), uint16(65535))
	f.Add("", int64(-1), uint16(1))
	f.Add("[z][z]", int64(math.MaxInt64), uint16(1))
	fuzz := func(t *testing.T, arch decoder.Arch, picture string, off int64, n uint16) {
		want := naive(arch, picture, testPage)
		vmas, mem := draw(picture, testPage)
		c := newCore(t, archProcess(arch, vmas, testPage), mem)
		if c.Size() != int64(len(want)) {
			t.Fatalf("Size() = %d, want %d", c.Size(), len(want))
		}
		if off < 0 {
			if _, err := c.ReadAt(make([]byte, 1), off); err == nil || errors.Is(err, io.EOF) {
				t.Fatalf("ReadAt(1 byte, %d): error %v", off, err)
			}
			return
		}
		checkRead(t, c, want, make([]byte, n), off)
		checkRead(t, c, want, make([]byte, n), off%int64(len(want)))
		checkExtents(t, c, want)
	}
	f.Fuzz(func(t *testing.T, s string, off int64, n uint16) {
		for _, arch := range testArchs {
			fuzz(t, arch, sketch(s), off, n)
		}
	})
}

// sketch makes a picture of at most 40 characters of any string.
func sketch(s string) string {
	var picture []byte
	open := false
	for i := 0; i < len(s) && i < 40; i++ {
		c := s[i]
		switch {
		case c == '[' || c == ']':
			if open {
				picture = append(picture, ']')
			}
			if open = c == '['; open {
				picture = append(picture, '[')
			}
		case open:
			picture = append(picture, "Dz."[c%3])
		default:
			picture = append(picture, ' ')
		}
	}
	return string(picture)
}

func TestReadAtAllocs(t *testing.T) {
	vmas, mem := draw(bigPicture, testPage)
	c := newCore(t, testProcess(vmas, testPage), mem)
	p := make([]byte, 3*testPage)
	c.ReadAt(p, 0)
	if n := testing.AllocsPerRun(100, func() { c.ReadAt(p, 100) }); n != 0 {
		t.Errorf("ReadAt allocates %v times, want 0", n)
	}
}

func TestReadAtErrors(t *testing.T) {
	vmas, mem := draw("[D]", testPage)
	mem.err = errors.New("broken")
	c := newCore(t, testProcess(vmas, testPage), mem)
	for _, tt := range []struct {
		name string
		n    int
		off  int64
		want int
		err  error
	}{
		{"head", 64, 0, 64, nil},
		{"memory", 64, c.headSize, 0, mem.err},
		{"head, then memory", 64, c.headSize - 10, 10, mem.err},
		{"at the end", 64, c.Size(), 0, io.EOF},
		{"far past the end", 64, math.MaxInt64, 0, io.EOF},
		{"nothing at the end", 0, c.Size(), 0, nil},
		{"negative", 64, -1, 0, errNegative},
	} {
		n, err := c.ReadAt(make([]byte, tt.n), tt.off)
		if n != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: ReadAt(%d bytes, %d) = %d, %v, want %d, %v", tt.name, tt.n, tt.off, n, err, tt.want, tt.err)
		}
	}
}

func TestNewReadsNoMemory(t *testing.T) {
	vmas, mem := draw("[DD]", testPage)
	p := testProcess(vmas, testPage)
	p.MM.ArgStart, p.MM.ArgEnd = testBase, testBase+100
	c := newCore(t, p, mem)
	c.Size()
	c.NextData(0)
	if mem.reads != 0 {
		t.Errorf("New and Size read memory %d times, want 0", mem.reads)
	}
	c.ReadAt(make([]byte, 10), 0)
	c.ReadAt(make([]byte, 10), 0)
	if mem.reads != 1 {
		t.Errorf("two reads of the head read memory %d times, want 1", mem.reads)
	}
}

func TestNewErrors(t *testing.T) {
	regs := func(a decoder.Arch) []*decoder.Thread {
		return []*decoder.Thread{{TID: 7, Registers: &decoder.Registers{Arch: a, X86: &decoder.X86Registers{}}}}
	}
	huge := []*decoder.VMA{
		{Range: decoder.Range{Start: 0, End: 1 << 62}},
		{Range: decoder.Range{Start: 1 << 62, End: 1<<64 - testPage}},
	}
	const top = 1<<32 - testPage
	mm := &decoder.MM{PageSize: testPage}
	vmas := func(v ...*decoder.VMA) *decoder.MM { return &decoder.MM{PageSize: testPage, VMAs: v} }
	for _, tt := range []struct {
		name string
		p    *decoder.Process
		want string
	}{
		{"zombie", &decoder.Process{State: decoder.TaskZombie}, ErrNoMemory.Error()},
		{"unknown", &decoder.Process{Threads: regs(decoder.ArchUnknown), MM: mm}, "no core file: architecture unknown is not supported"},
		{"no threads", &decoder.Process{MM: mm}, "no core file: the checkpoint has the registers of none of its threads"},
		{"no registers", &decoder.Process{Threads: []*decoder.Thread{{TID: 1}}, MM: mm}, "no core file: the checkpoint has the registers of none of its threads"},
		{
			"larger than a file",
			&decoder.Process{Threads: regs(decoder.ArchX86_64), MM: vmas(huge...)},
			"no core file: memory up to 4000000000000000-fffffffffffff000 is too large for a file",
		},
		{
			"larger than a 32-bit file",
			&decoder.Process{Threads: regs(decoder.ArchI386), MM: vmas(fileVMA(0, top, 0, nil))},
			"no core file: memory up to 00000000-fffff000 is too large for a file",
		},
		{
			"beyond 32 bits",
			&decoder.Process{Threads: regs(decoder.ArchI386), MM: vmas(fileVMA(top, top+2*testPage, 0, nil))},
			"no core file: memory up to fffff000-100001000 is beyond the addresses of a 32-bit process",
		},
	} {
		_, err := New(tt.p, &fakeMemory{runs: []fakeRun{{huge[0].Range, false}, {huge[1].Range, false}}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: New: error %v, want %s", tt.name, err, tt.want)
		}
		if _, ok := errors.AsType[*UnsupportedError](err); ok == errors.Is(err, ErrNoMemory) {
			t.Errorf("%s: New: error of type %T", tt.name, err)
		}
	}
}
