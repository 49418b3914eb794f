package memview

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

const page = 4096

// The pictures have a character a page, from address 0 on. VMAs: letters are
// mappings, a capital anonymous, a small one of a file, "n" PROT_NONE, "v"
// vvar. Runs: "p" present, "q" present in a run of its own, "i" in parent,
// "l" lazy, "g" guard.
func picture(vmas, runs string) *decoder.MM {
	mm := &decoder.MM{PageSize: page, Capture: new(decoder.Capture)}
	eachRun(vmas, func(c byte, r decoder.Range) {
		v := &decoder.VMA{Range: r, Prot: decoder.ProtRead, Flags: decoder.MapPrivate, Status: decoder.StatusRegular}
		switch {
		case c == 'n':
			v.Prot = 0
			v.Status |= decoder.StatusAnonPrivate
		case c == 'v':
			v.Status |= decoder.StatusAnonPrivate | decoder.StatusVVAR
		case c >= 'a':
			v.Status |= decoder.StatusFilePrivate
		default:
			v.Status |= decoder.StatusAnonPrivate
		}
		mm.VMAs = append(mm.VMAs, v)
	})
	var present uint64
	eachRun(runs, func(c byte, r decoder.Range) {
		if c == 'g' {
			mm.Guards = append(mm.Guards, r)
			return
		}
		run := criu.PageRun{Addr: uint64(r.Start), Pages: uint32(r.Len() / page), Index: present}
		switch c {
		case 'i':
			run.Flags = criu.PageParent
		case 'l':
			run.Flags = criu.PageLazy
		default:
			run.Flags = criu.PagePresent
			present += uint64(run.Pages)
		}
		mm.Capture.Runs = append(mm.Capture.Runs, run)
	})
	return mm
}

func eachRun(s string, f func(c byte, r decoder.Range)) {
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] == s[i] {
			j++
		}
		if s[i] != ' ' {
			f(s[i], decoder.Range{Start: decoder.Addr(i * page), End: decoder.Addr(j * page)})
		}
		i = j
	}
}

// space makes the address space of a picture, whose captured pages have their
// number in the pages image as content.
func space(mm *decoder.MM) *AddressSpace {
	mm.Capture.Pages = numbered(mm.Capture.Runs, 1, "pages-1.img")
	return New(mm)
}

// numbered is a pages image for runs: its pages are full of their numbers,
// from first on.
func numbered(runs []criu.PageRun, first int, name string) *decoder.Image {
	var pages bytes.Buffer
	for _, r := range runs {
		if r.Flags&criu.PagePresent == 0 {
			continue
		}
		for range r.Pages {
			pages.Write(bytes.Repeat([]byte{byte(first)}, page))
			first++
		}
	}
	return &decoder.Image{ReaderAt: bytes.NewReader(pages.Bytes()), Name: name}
}

func TestNew(t *testing.T) {
	for _, test := range []struct{ name, vmas, runs, want string }{
		{"never touched", "AAAA", "", "0-4 zero"},
		{"all captured", "AAAA", "pppp", "0-4 captured@0"},
		{"first and last page", "AAAA", "p  q", "0-1 captured@0, 1-3 zero, 3-4 captured@1"},
		{"file pages are absent", "ffff", " p", "0-1 absent, 1-2 captured@0, 2-4 absent"},
		{"runs that continue each other are one", "AAAA", "ppqq", "0-4 captured@0"},
		{"a run is split where two VMAs meet", "AABB", " pp ", "0-1 zero, 1-2 captured@0, 2-3 captured@1, 3-4 zero"},
		{"a run over three VMAs", "AbC", "ppp", "0-1 captured@0, 1-2 captured@1, 2-3 captured@2"},
		{"a run outside every VMA is lost", "A  A", " pp ", "0-1 zero, 3-4 zero"},
		{"a run that reaches out on both sides", " AA ", "pppp", "1-3 captured@1"},
		{"a reservation", "nnnn", "", "0-4 absent"},
		{"memory whose protection was taken away", "nnnn", " p", "0-1 zero, 1-2 captured@0, 2-4 zero"},
		{"a reservation beside memory", "Ann", "p", "0-1 captured@0, 1-3 absent"},
		{"vvar is the kernel's", "vv", "", "0-2 absent"},
		{"in the parent", "AAAA", " ii ", "0-1 zero, 1-3 absent, 3-4 zero"},
		{"lazy pages that were never stored", "AAAA", " l p", "0-1 zero, 1-2 absent, 2-3 zero, 3-4 captured@0"},
		{"only present runs have pages", "AAAAA", "pilpp", "0-1 captured@0, 1-3 absent, 3-5 captured@1"},
		{"guard pages", "AAAA", "pgg ", "0-1 captured@0, 1-3 absent, 3-4 zero"},
	} {
		s := space(picture(test.vmas, test.runs))
		var got []string
		for seg := range s.All() {
			text := fmt.Sprintf("%d-%d %v", seg.Start/page, seg.End/page, seg.Kind)
			if seg.Kind == Captured {
				text += fmt.Sprintf("@%d", seg.Off/page)
			}
			got = append(got, text)
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s: New(%q, %q) = %s, want %s", test.name, test.vmas, test.runs, got, test.want)
		}
	}
}

func TestNewWithoutPagemap(t *testing.T) {
	mm := picture("AAff", "")
	mm.Capture = nil
	for seg := range New(mm).All() {
		if seg.Kind != Absent {
			t.Errorf("without a pagemap: %v is %v, want absent", seg.Range, seg.Kind)
		}
	}
}

func TestReadMem(t *testing.T) {
	// Page:   0    1    2    3    4    5    6
	// Value:  1    0    2    2    -    .    3
	s := space(picture("AAABf C", "p pq   q"[:7]))
	for _, test := range []struct {
		name   string
		addr   decoder.Addr
		len    int
		want   int
		mapped bool // of the fault, where want < len
	}{
		{"within a page", 10, 100, 100, false},
		{"captured, zero, captured", page / 2, 2 * page, 2 * page, false},
		{"over a border of VMAs", 2 * page, 2 * page, 2 * page, false},
		{"into an absent page", 3 * page, 2 * page, page, true},
		{"absent from the start", 4*page + 1, 10, 0, true},
		{"not mapped", 5 * page, 10, 0, false},
		{"far above", 1 << 60, 10, 0, false},
		{"nothing", 5 * page, 0, 0, false},
	} {
		p := bytes.Repeat([]byte{0xee}, test.len)
		n, err := s.ReadMem(p, test.addr)
		if n != test.want {
			t.Errorf("%s: ReadMem(%v, %d) = %d, want %d", test.name, test.addr, test.len, n, test.want)
		}
		if n == test.len {
			if err != nil {
				t.Errorf("%s: ReadMem(%v, %d): %v", test.name, test.addr, test.len, err)
			}
			continue
		}
		var fault *Fault
		if !errors.As(err, &fault) || fault.Addr != test.addr+decoder.Addr(n) || fault.Mapped != test.mapped {
			t.Errorf("%s: ReadMem(%v, %d): error %v, want a fault at %v", test.name, test.addr, test.len, err, test.addr+decoder.Addr(n))
		}
	}
}

// TestRandom compares address spaces with a model that knows the value of
// every single page.
func TestRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		vmas := randomPicture(rnd, "AABBffnv  ", 24)
		runs := randomPicture(rnd, "ppqil     ", 24)
		mm := picture(vmas, runs)
		s := space(mm)
		want := oracle(vmas, runs)
		for i, w := range want {
			p := make([]byte, 3)
			n, err := s.ReadMem(p, decoder.Addr(i*page+7))
			got := -1
			if err == nil && n == 3 {
				got = int(p[0])
			}
			if got != w {
				t.Fatalf("VMAs %q, runs %q: page %d reads %d, want %d", vmas, runs, i, got, w)
			}
		}
		checkGeometry(t, s, want)
	}
}

// oracle gives for each page the byte that it is full of, or -1.
func oracle(vmas, runs string) []int {
	present := 0
	want := make([]int, len(vmas))
	touched := make(map[int]bool) // start of each VMA that has a run
	start := make([]int, len(vmas))
	for i := range vmas {
		if i > 0 && vmas[i] == vmas[i-1] {
			start[i] = start[i-1]
		} else {
			start[i] = i
		}
		if runs[i] != ' ' {
			touched[start[i]] = true
		}
	}
	for i := range vmas {
		value := -1
		switch c := vmas[i]; {
		case c == 'n' && touched[start[i]], c >= 'A' && c <= 'Z':
			value = 0
		}
		switch runs[i] {
		case 'p', 'q':
			present++
			value = present
		case 'i', 'l':
			value = -1
		}
		if vmas[i] == ' ' {
			value = -1
		}
		want[i] = value
	}
	return want
}

func randomPicture(rnd *rand.Rand, alphabet string, n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(strings.Repeat(string(alphabet[rnd.IntN(len(alphabet))]), 1+rnd.IntN(4)))
	}
	return b.String()[:n]
}

// checkGeometry checks what must hold of any address space, and that lseek
// says of each page what the model knows.
func checkGeometry(t *testing.T, s *AddressSpace, want []int) {
	t.Helper()
	var end decoder.Addr
	for seg := range s.All() {
		if seg.Len() == 0 || seg.Start < end || !seg.VMA.Contains(seg.Start) || seg.End > seg.VMA.End {
			t.Fatalf("segment %v is empty, out of order or outside its VMA %v", seg.Range, seg.VMA.Range)
		}
		end = seg.End
	}
	m := Mem{s}
	for i, w := range want {
		off := int64(i * page)
		data, err := m.NextData(off)
		hole, _ := m.NextHole(off)
		isData := err == nil && data == off
		if isData != (w > 0) || isData == (hole == off) {
			t.Fatalf("page %d of value %d: NextData %d (%v), NextHole %d", i, w, data, err, hole)
		}
	}
}

func TestStretches(t *testing.T) {
	big := strings.Repeat("A", 256) // 1 MiB
	for _, test := range []struct{ name, vmas, runs, want string }{
		{"one VMA, one stretch", "AAAA", "p  p", "0-4"},
		{"untouched, but short", "AAAA", "", "0-4"},
		{"borders of VMAs", "AABB", "pppp", "0-2 2-4"},
		{"an absent page in the middle", "fffff", "pp pp", "0-2 3-5"},
		{"nothing known", "ffff", "", ""},
		{"untouched, and long", big, "", ""},
		{"long gap at the end", "A" + big, "p", "0-1"},
		{"long gap at the start", big + "AA", strings.Repeat(" ", 257) + "p", "257-258"},
		{"just too short for a gap", big, "p", "0-256"},
	} {
		var got []string
		for _, s := range space(picture(test.vmas, test.runs)).Stretches() {
			got = append(got, fmt.Sprintf("%d-%d", s.Start/page, s.End/page))
			if b, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size())); err != nil || int64(len(b)) != s.Size() {
				t.Errorf("%s: reading stretch %v: %d bytes, %v", test.name, s.Range, len(b), err)
			}
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: Stretches() = %s, want %s", test.name, got, test.want)
		}
	}
}

func TestRuns(t *testing.T) {
	big := strings.Repeat("A", 256) // 1 MiB
	for _, test := range []struct {
		name, vmas, runs string
		from, to         int
		want             string
	}{
		{"short holes are data", "AAAA", "p  p", 0, 4, "0-4 data"},
		{"absent pages are left out", "ffff", "pp p", 0, 4, "0-2 data, 3-4 data"},
		{"VMAs are not merged", "AABB", "pppp", 0, 4, "0-2 data, 2-4 data"},
		{"long hole", "AA" + big, "pp", 0, 258, "0-2 data, 2-258 hole"},
		{"part of a long hole", "AA" + big, "pp", 1, 10, "1-2 data, 2-10 hole"},
		{"part", "AAAA", "pppp", 1, 3, "1-3 data"},
	} {
		var got []string
		r := decoder.Range{Start: decoder.Addr(test.from * page), End: decoder.Addr(test.to * page)}
		for run, data := range space(picture(test.vmas, test.runs)).Runs(r) {
			got = append(got, fmt.Sprintf("%d-%d %s", run.Start/page, run.End/page, map[bool]string{true: "data", false: "hole"}[data]))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s: Runs(%v) = %s, want %s", test.name, r, got, test.want)
		}
	}
}

func TestReadMemAllocs(t *testing.T) {
	s := space(picture(strings.Repeat("AB", 500), strings.Repeat("p ", 500)))
	p := make([]byte, 100*page)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.ReadMem(p, 300*page+5); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ReadMem allocates %v times, want 0", n)
	}
}

func BenchmarkReadMem(b *testing.B) {
	s := space(picture(strings.Repeat("A", 10000), strings.Repeat("p ", 5000)))
	p := make([]byte, page)
	b.SetBytes(page)
	b.ReportAllocs()
	for i := range b.N {
		if _, err := s.ReadMem(p, decoder.Addr(i%10000*page)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAll goes through a process of a million page runs.
func BenchmarkAll(b *testing.B) {
	mm := picture(strings.Repeat("A", 2_000_000), strings.Repeat("p ", 1_000_000))
	mm.Capture.Pages = new(decoder.Image)
	s := New(mm)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range s.All() {
			n++
		}
		if n != 2_000_000 {
			b.Fatalf("%d segments", n)
		}
	}
}

// reads counts how often it is read.
type reads struct {
	io.ReaderAt
	n int
}

func (r *reads) ReadAt(p []byte, off int64) (int, error) {
	r.n++
	return r.ReaderAt.ReadAt(p, off)
}

// TestOneReadASegment reads over five segments, of which three are stored.
func TestOneReadASegment(t *testing.T) {
	mm := picture("AAAAAAAABBBB", "pp  pp  pppp")
	counted := &reads{ReaderAt: numbered(mm.Capture.Runs, 1, "").ReaderAt}
	mm.Capture.Pages = &decoder.Image{ReaderAt: counted}
	if _, err := New(mm).ReadMem(make([]byte, 10*page), page); err != nil {
		t.Fatal(err)
	}
	if counted.n != 3 {
		t.Errorf("a read over three stored segments reads %d times, want 3", counted.n)
	}
}
