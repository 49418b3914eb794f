package memview

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// list gives the segments of an address space in pages, and in bytes where
// they do not end on a page border.
func list(s *AddressSpace) string {
	at := func(a decoder.Addr) string {
		if a%page == 0 {
			return fmt.Sprint(uint64(a / page))
		}
		return fmt.Sprintf("%d+%d", a/page, a%page)
	}
	var out []string
	for seg := range s.All() {
		text := fmt.Sprintf("%s-%s %v", at(seg.Start), at(seg.End), seg.Kind)
		if seg.Src != nil {
			text += fmt.Sprintf(" %s@%d", seg.Src.Name, seg.Off)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// generations makes the captures of a chain of checkpoints, this one's first,
// each from a picture of its runs.
func generations(pictures ...string) *decoder.Capture {
	if len(pictures) == 0 {
		return nil
	}
	c := picture("", pictures[0]).Capture
	c.Pages = numbered(c.Runs, 1+25*(len(pictures)-1), fmt.Sprintf("g%d", len(pictures)))
	c.Parent = generations(pictures[1:]...)
	return c
}

func TestParents(t *testing.T) {
	for _, test := range []struct {
		name, vmas string
		runs       []string // of each generation, this one's first
		want       string
	}{
		{"none", "AAAA", []string{"pi p"}, "0-1 captured g1@0, 1-2 absent, 2-3 zero, 3-4 captured g1@4096"},
		{"one", "AAAA", []string{"piip", "pppp"}, "0-1 captured g2@0, 1-3 inherited g1@4096, 3-4 captured g2@4096"},
		{
			"what this one does not refer to is not inherited", "AAAA",
			[]string{"p  i", "pppp"},
			"0-1 captured g2@0, 1-3 zero, 3-4 inherited g1@12288",
		},
		{
			"three generations", "AAAAAA",
			[]string{"iiiipp", "iippq ", "pppppp"},
			"0-2 inherited g1@0, 2-4 inherited g2@0, 4-6 captured g3@0",
		},
		{
			"a run that points at nothing", "AAAA",
			[]string{"iiii", "p  p"},
			"0-1 inherited g1@0, 1-3 zero, 3-4 inherited g1@4096",
		},
		{"runs that split otherwise", "AAAAAA", []string{"iiiiii", "pqpqpq"}, "0-6 inherited g1@0"},
		{"lazy in the parent", "AAA", []string{"iii", "plp"}, "0-1 inherited g1@0, 1-2 absent, 2-3 inherited g1@4096"},
		{"over two VMAs", "AABB", []string{"iiii", "pppp"}, "0-2 inherited g1@0, 2-4 inherited g1@8192"},
	} {
		mm := picture(test.vmas, "")
		mm.Capture = generations(test.runs...)
		if got := list(New(mm)); got != test.want {
			t.Errorf("%s: New(%q, %q) =\n%s\nwant\n%s", test.name, test.vmas, test.runs, got, test.want)
		}
	}
}

func TestFiles(t *testing.T) {
	whole := func(size int64) []decoder.Fragment { return []decoder.Fragment{{Off: 0, Len: size, At: 0}} }
	for _, test := range []struct {
		name, runs string
		pgoff      int64 // in pages
		size       int64
		fragments  []decoder.Fragment
		shared     bool
		want       string
	}{
		{"known", "", 0, 4 * page, whole(4 * page), false, "0-4 file f@0"},
		{"written to", " pp", 0, 4 * page, whole(4 * page), false, "0-1 file f@0, 1-3 captured p@0, 3-4 file f@12288"},
		{"at an offset", "", 2, 6 * page, whole(6 * page), false, "0-4 file f@8192"},
		{"the tail of the last page is zeros", "", 0, 3*page + 100, whole(3*page + 100), false, "0-3+100 file f@0, 3+100-4 zero"},
		{"the end of the file", "", 0, page + 1, whole(page + 1), false, "0-1+1 file f@0, 1+1-2 zero, 2-4 absent"},
		{"mapped behind the end", "", 9, page, whole(page), false, "0-4 absent"},
		{"empty", "", 0, 0, nil, false, "0-4 absent"},
		{
			"in pieces, with a hole", "", 0, 4 * page,
			[]decoder.Fragment{{Off: 0, Len: page, At: 64}, {Off: 3 * page, Len: page, At: 64 + page + 20}},
			false,
			"0-1 file f@64, 1-3 zero, 3-4 file f@4180",
		},
		{
			"in pieces, from the middle of one", "", 1, 4 * page,
			[]decoder.Fragment{{Off: 0, Len: 3 * page, At: 10}},
			false,
			"0-2 file f@4106, 2-3 zero, 3-4 absent",
		},
		{"shared", "", 0, 4 * page, whole(4 * page), true, "0-4 file f@0"},
	} {
		mm := picture("ffff", test.runs)
		mm.Capture.Pages = &decoder.Image{Name: "p"}
		v := mm.VMAs[0]
		v.PgOff = test.pgoff * page
		if test.shared {
			v.Flags, v.Status = decoder.MapShared, decoder.StatusRegular|decoder.StatusFileShared
		}
		v.File = &decoder.File{Backing: &decoder.Backing{Image: decoder.Image{Name: "f"}, Size: test.size, Fragments: test.fragments}}
		if got := list(New(mm)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestShared(t *testing.T) {
	for _, test := range []struct {
		name, object, runs string
		pgoff, size        int64 // pgoff in pages
		want               string
	}{
		{"touched here and there", "p  p", "", 0, 4 * page, "0-1 shared g1@0, 1-3 zero, 3-4 shared g1@4096"},
		{"at an offset", "pppppp", "", 2, 6 * page, "0-4 shared g1@8192"},
		{"shorter than the mapping", "pp", "", 0, page + 10, "0-2 shared g1@0, 2-4 absent"},
		{"of unknown size", "pp", "", 0, -1, "0-2 shared g1@0, 2-4 zero"},
		{"a private mapping of it, written to", "pppp", " qq", 0, 4 * page, "0-1 shared g1@0, 1-3 captured p@0, 3-4 shared g1@12288"},
		{"mapped behind the end", "p", "", 3, page, "0-4 absent"},
	} {
		mm := picture("ffff", test.runs)
		mm.Capture.Pages = &decoder.Image{Name: "p"}
		mm.VMAs[0].PgOff = test.pgoff * page
		mm.VMAs[0].Shared = &decoder.SharedMemory{Size: test.size, Capture: generations(test.object)}
		if got := list(New(mm)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	mm := picture("ffff", "")
	mm.VMAs[0].Shared = &decoder.SharedMemory{Size: 4 * page}
	if got, want := list(New(mm)), "0-4 absent"; got != want {
		t.Errorf("an object whose pagemap is unusable: %s, want %s", got, want)
	}
}

func TestDevZero(t *testing.T) {
	mm := picture("ffff", " p")
	mm.Capture.Pages = &decoder.Image{Name: "p"}
	mm.VMAs[0].File = &decoder.File{Path: "/dev/zero", Mode: 0o020666}
	if got, want := list(New(mm)), "0-1 zero, 1-2 captured p@0, 2-4 zero"; got != want {
		t.Errorf("private mapping of /dev/zero: %s, want %s", got, want)
	}
	mm.VMAs[0].File.Mode = 0o100666
	if got, want := list(New(mm)), "0-1 absent, 1-2 captured p@0, 2-4 absent"; got != want {
		t.Errorf("a file that is called /dev/zero: %s, want %s", got, want)
	}
}

// TestRandomLayers compares address spaces of all layers with a model that
// knows the value of every byte's page: mappings of memory, files and shared
// objects at random offsets, under three generations of page runs.
func TestRandomLayers(t *testing.T) {
	const n = 24
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		vmas := randomPicture(rnd, "AABBffsn ", n)
		runs := []string{randomPicture(rnd, "ppii     l", n)}
		for range rnd.IntN(8) {
			runs = append(runs, randomPicture(rnd, "ppiiiii  l", n))
		}
		runs = append(runs, randomPicture(rnd, "ppppp ", n))
		mm := picture(vmas, "")
		mm.Capture = generations(runs...)

		file, object := new(bytes.Buffer), randomPicture(rnd, "pp  l", n)
		size := int64(rnd.IntN(n * page))
		for i := range n {
			file.Write(bytes.Repeat([]byte{byte(200 + i)}, page))
		}
		file.Truncate(int(size))
		offsets := make(map[*decoder.VMA]int64)
		for _, v := range mm.VMAs {
			offsets[v] = int64(rnd.IntN(n))
			switch vmas[v.Start/page] {
			case 'f':
				v.File = &decoder.File{Backing: &decoder.Backing{
					Image: decoder.Image{ReaderAt: bytes.NewReader(file.Bytes())}, Size: size,
					Fragments: []decoder.Fragment{{Off: 0, Len: size, At: 0}},
				}}
			case 's':
				v.Shared = &decoder.SharedMemory{Size: n * page, Capture: generations(object)}
			}
			v.PgOff = offsets[v] * page
		}
		s := New(mm)
		for i := range n {
			want := model(vmas, runs, object, i)
			if v := mm.VMAs[max(0, vmaAt(mm, i))]; vmaAt(mm, i) >= 0 && want == below {
				at := offsets[v] + int64(i) - int64(v.Start/page)
				want = beneath(vmas[i], object, at, size)
			}
			checkPage(t, s, i, want, fmt.Sprintf("VMAs %q, runs %q, object %q, size %d, offsets %v", vmas, runs, object, size, offsets))
		}
	}
}

// To go through all memory does not mean to go through a long chain of parents
// for each of its runs, wherever in the chain the many of them are.
func TestRunsOfALongChain(t *testing.T) {
	const parents, runs, enough = 1000, 1 << 19, 20 * time.Second
	for _, many := range []int{0, 1, parents / 2, parents} {
		mm := &decoder.MM{PageSize: page, VMAs: []*decoder.VMA{{
			Range: decoder.Range{End: 2 * runs * page}, Prot: decoder.ProtRead,
			Flags: decoder.MapPrivate, Status: decoder.StatusRegular | decoder.StatusAnonPrivate,
		}}}
		image := new(decoder.Image)
		for i := parents; i >= 0; i-- {
			flags := criu.PageParent
			if i == parents {
				flags = criu.PagePresent
			}
			c := &decoder.Capture{Parent: mm.Capture, Runs: []criu.PageRun{{Pages: 2 * runs, Flags: flags}}}
			if i == parents {
				c.Pages = image
			}
			if i == many {
				c.Runs = nil
				for n := range uint64(runs) {
					c.Runs = append(c.Runs, criu.PageRun{Addr: 2 * n * page, Index: 2 * n, Pages: 1, Flags: flags})
				}
			}
			mm.Capture = c
		}
		start, n := time.Now(), 0
		for seg := range New(mm).All() {
			want := Segment{Range: decoder.Range{Start: decoder.Addr(n * page), End: decoder.Addr((n + 1) * page)}, VMA: mm.VMAs[0], Kind: Zero}
			if n%2 == 0 {
				want.Kind, want.Src, want.Off = Inherited, image, int64(n*page)
			}
			if seg != want {
				t.Fatalf("the runs in generation %d: segment %+v, want %+v", many, seg, want)
			}
			n++
			if took := time.Since(start); took > enough {
				t.Fatalf("the runs in generation %d: %v for %d of %d segments", many, took, n, 2*runs)
			}
		}
		if n != 2*runs {
			t.Errorf("the runs in generation %d: %d segments, want %d", many, n, 2*runs)
		}
	}
}

// To tell holes does not mean to look around each page that was never touched.
func TestManySmallHoles(t *testing.T) {
	const runs, enough = 1 << 21, 20 * time.Second
	mm := picture("A", "")
	mm.VMAs[0].End = 2 * runs * page
	for n := range uint64(runs) {
		mm.Capture.Runs = append(mm.Capture.Runs, criu.PageRun{Addr: 2 * n * page, Pages: 1, Flags: criu.PageLazy})
	}
	start, n := time.Now(), 0
	for r, stored := range New(mm).Runs(mm.VMAs[0].Range) {
		if want := decoder.Addr((2*n + 1) * page); r != (decoder.Range{Start: want, End: want + page}) || !stored {
			t.Fatalf("run %d: %v, stored %v", n, r, stored)
		}
		n++
		if took := time.Since(start); took > enough {
			t.Fatalf("%v for %d of %d runs", took, n, runs)
		}
	}
	if n != runs {
		t.Errorf("%d runs, want %d", n, runs)
	}
}

// Values of a page in the model beside the byte that it is full of.
const (
	nothing = -1 // cannot be read
	below   = -2 // as the layer below says
)

// model is the value of page i by the page runs, or what lies below them.
func model(vmas string, runs []string, object string, i int) int {
	if vmas[i] == ' ' {
		return nothing
	}
	for g, r := range runs {
		switch r[i] {
		case 'p', 'q':
			return 1 + 25*(len(runs)-1-g) + strings.Count(r[:i], "p")
		case 'l':
			return nothing
		case 'i':
			continue
		}
		switch vmas[i] {
		case 'n':
			if touched(vmas, runs[0], i) {
				return 0
			}
			return nothing
		case 'f', 's':
			return below
		default:
			return 0
		}
	}
	return nothing
}

func touched(vmas, runs string, i int) bool {
	start, end := i, i
	for start > 0 && vmas[start-1] == vmas[i] {
		start--
	}
	for end < len(vmas) && vmas[end] == vmas[i] {
		end++
	}
	return strings.TrimSpace(runs[start:end]) != ""
}

// beneath is the value of page at of the file or the shared object.
func beneath(kind byte, object string, at, size int64) int {
	switch {
	case kind == 'f' && at*page >= size:
		return nothing
	case kind == 'f':
		return int(200+at) % 256
	case at >= int64(len(object)), object[at] == 'l':
		return nothing
	case object[at] == 'p':
		return 1 + strings.Count(object[:at], "p")
	default:
		return 0
	}
}

func vmaAt(mm *decoder.MM, i int) int {
	for n, v := range mm.VMAs {
		if v.Contains(decoder.Addr(i * page)) {
			return n
		}
	}
	return -1
}

func checkPage(t *testing.T, s *AddressSpace, i, want int, what string) {
	t.Helper()
	p := make([]byte, 1)
	_, err := s.ReadMem(p, decoder.Addr(i*page))
	got := nothing
	if err == nil {
		got = int(p[0])
	}
	if got != want {
		t.Fatalf("%s: page %d reads %d, want %d\n%s", what, i, got, want, list(s))
	}
}

// TestIsAsMapped captures pages of a file, of which some are as they were.
func TestIsAsMapped(t *testing.T) {
	file := bytes.Repeat([]byte{1}, 2*page+10)
	for _, test := range []struct {
		name    string
		backing bool
		change  int // offset in the captured pages, or -1
		want    bool
	}{
		{"the same, to the tail of the last page", true, -1, true},
		{"changed in the first page", true, 5, false},
		{"changed in the last byte", true, 2*page + 9, false},
		{"changed behind the end of the file", true, 3*page - 1, false},
		{"the file is not known", false, -1, false},
	} {
		mm := picture("fff", "ppp")
		pages := append(bytes.Clone(file), make([]byte, page-10)...)
		if test.change >= 0 {
			pages[test.change]++
		}
		mm.Capture.Pages = &decoder.Image{ReaderAt: bytes.NewReader(pages)}
		mm.VMAs[0].File = new(decoder.File)
		if test.backing {
			mm.VMAs[0].File.Backing = &decoder.Backing{
				Image: decoder.Image{ReaderAt: bytes.NewReader(file)}, Size: int64(len(file)),
				Fragments: []decoder.Fragment{{Off: 0, Len: int64(len(file)), At: 0}},
			}
		}
		s := New(mm)
		for seg := range s.All() {
			if got, err := s.IsAsMapped(seg); got != test.want || err != nil {
				t.Errorf("%s: IsAsMapped(%v) = %v, %v, want %v", test.name, seg.Range, got, err, test.want)
			}
		}
	}
}

func TestObject(t *testing.T) {
	for _, test := range []struct {
		name, object string
		size         int64
		want         string // where there is data
		data         int64
		fails        int64 // the first offset that cannot be read; -1 for none
	}{
		{"untouched", "", 3 * page, "", 0, -1},
		{"here and there", "p pp", 4 * page, "0-4096 8192-16384", 3 * page, -1},
		{"a tail that is part of a page", "p  p", 3*page + 100, "0-4096 12288-12388", page + 100, -1},
		{"shorter than its pages", "pppp", 100, "0-100", 100, -1},
		{"empty", "p", 0, "", 0, -1},
		{"in a parent that is not there", " i p", 4 * page, "4096-8192 12288-16384", 2 * page, page},
		{"no pagemap", "none", 2 * page, "0-8192", 2 * page, 0},
	} {
		s := &decoder.SharedMemory{Size: test.size, PageSize: page, Capture: new(decoder.Capture)}
		switch test.object {
		case "":
		case "none":
			s.Capture = nil
		default:
			s.Capture = generations(test.object)
		}
		o := NewObject(s)
		var extents []string
		for off := int64(0); ; {
			start, err := o.NextData(off)
			if errors.Is(err, io.EOF) {
				break
			}
			if off, err = o.NextHole(start); err != nil {
				t.Fatal(err)
			}
			extents = append(extents, fmt.Sprintf("%d-%d", start, off))
		}
		if got := strings.Join(extents, " "); got != test.want || o.Size() != test.size || o.DataSize() != test.data {
			t.Errorf("%s: data %s, %d of %d bytes; want %s, %d of %d", test.name, got, o.DataSize(), o.Size(), test.want, test.data, test.size)
		}
		fails := int64(-1)
		for off := int64(0); off < test.size && fails < 0; off += 50 {
			if _, err := o.ReadAt(make([]byte, 1), off); err != nil && !errors.Is(err, io.EOF) {
				fails = off / page * page
			}
		}
		if fails != test.fails {
			t.Errorf("%s: cannot be read from %d on, want %d", test.name, fails, test.fails)
		}
		if n, err := o.ReadAt(make([]byte, 10), test.size); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: at the end: %d, %v", test.name, n, err)
		}
	}
}
