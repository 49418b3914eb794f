package decoder_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

const rw = decoder.ProtRead | decoder.ProtWrite

// sample is a process of two threads, its child and a zombie.
func sample() decodertest.Checkpoint {
	return decodertest.Checkpoint{
		Files: map[uint32]string{1: "/bin/sample"},
		Processes: []decodertest.Process{
			{
				PID: 1, Comm: "sample", Threads: []int{5},
				VMAs: []decodertest.VMA{{Start: 0x10000, End: 0x14000, Prot: rw}},
				Runs: []decodertest.Run{{Addr: 0x11000, Pages: 2, Flags: criu.PagePresent, Data: bytes.Repeat([]byte("page"), 1024)}},
			},
			{PID: 7, PPID: 1, Comm: "child"},
			{PID: 8, PPID: 1, Comm: "zombie", Dead: true},
		},
	}
}

func TestOpen(t *testing.T) {
	ck := sample().Open(t)
	if w := ck.Warnings.List(); len(w) > 0 {
		t.Fatalf("warnings: %q", w)
	}
	var got []string
	for _, p := range ck.Processes {
		var threads []string
		for _, th := range p.Threads {
			threads = append(threads, fmt.Sprintf("%d:r12=%d", th.TID, th.Registers.X86.GP.R12))
		}
		got = append(got, fmt.Sprintf("%d<-%d %s %c %v mm=%v", p.PPID, p.PID, p.Comm, p.State.Letter(), threads, p.MM != nil))
	}
	want := []string{
		"0<-1 sample S [1:r12=1 5:r12=5] mm=true",
		"1<-7 child S [7:r12=7] mm=true",
		"1<-8 zombie Z [] mm=false",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Open(): processes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if exe := ck.Process(1).MM.Exe; exe == nil || exe.Path != "/bin/sample" {
		t.Errorf("exe of process 1 = %+v, want /bin/sample", exe)
	}
}

// TestDamage breaks one image at a time, and wants a warning that names it
// while the rest is still there.
func TestDamage(t *testing.T) {
	broken := []byte("no image at all")
	for _, test := range []struct {
		name    string
		members map[string][]byte
		warning string
		procs   int
		intact  func(*decoder.Checkpoint) bool
	}{
		{"no pstree", map[string][]byte{"checkpoint/pstree.img": nil}, "checkpoint/pstree.img: missing", 0, nil},
		{"broken pstree", map[string][]byte{"checkpoint/pstree.img": broken}, "checkpoint/pstree.img: offset 0: magic", 0, nil},
		{
			"no core",
			map[string][]byte{"checkpoint/core-7.img": nil},
			"process 7: checkpoint/core-7.img: missing", 3,
			func(ck *decoder.Checkpoint) bool { return ck.Process(7).MM != nil && ck.Process(1).Leader() != nil },
		},
		{
			"no core of a thread",
			map[string][]byte{"checkpoint/core-5.img": nil},
			"process 1, thread 5: checkpoint/core-5.img: missing", 3,
			func(ck *decoder.Checkpoint) bool { return len(ck.Process(1).Threads) == 1 },
		},
		{
			"no mm",
			map[string][]byte{"checkpoint/mm-1.img": nil},
			"process 1: checkpoint/mm-1.img: missing", 3,
			func(ck *decoder.Checkpoint) bool { return ck.Process(7).MM != nil && ck.Process(1).Leader() != nil },
		},
		{
			"no pagemap",
			map[string][]byte{"checkpoint/pagemap-1.img": nil},
			"checkpoint/pagemap-1.img: missing", 3,
			func(ck *decoder.Checkpoint) bool { return len(ck.Process(1).MM.VMAs) == 1 },
		},
		{
			"no pages",
			map[string][]byte{"checkpoint/pages-1.img": nil},
			"checkpoint/pages-1.img: missing", 3,
			func(ck *decoder.Checkpoint) bool { return ck.Process(1).MM.Capture == nil },
		},
		{
			"pages cut short",
			map[string][]byte{"checkpoint/pages-1.img": make([]byte, 4096)},
			"has 2 pages of 4096 bytes, checkpoint/pages-1.img 4096 bytes", 3,
			func(ck *decoder.Checkpoint) bool { return ck.Process(1).MM.Capture == nil },
		},
		{
			"no files",
			map[string][]byte{"checkpoint/files.img": nil},
			"checkpoint/files.img: missing", 3,
			func(ck *decoder.Checkpoint) bool { return ck.Process(1).MM.Exe == nil },
		},
		{"no inventory", map[string][]byte{"checkpoint/inventory.img": nil}, "checkpoint/inventory.img: missing", 3, nil},
		{"broken config.dump", map[string][]byte{"config.dump": broken}, "config.dump: invalid character", 3, nil},
		{"broken utsns", map[string][]byte{"checkpoint/utsns-3.img": broken}, "checkpoint/utsns-3.img: offset 0: magic", 3, nil},
	} {
		c := sample()
		c.Members = test.members
		ck := c.Open(t)
		if got := strings.Join(ck.Warnings.List(), "\n"); !strings.Contains(got, test.warning) {
			t.Errorf("%s: warnings %q, want one with %q", test.name, got, test.warning)
		}
		if len(ck.Processes) != test.procs {
			t.Errorf("%s: %d processes, want %d", test.name, len(ck.Processes), test.procs)
		} else if test.intact != nil && !test.intact(ck) {
			t.Errorf("%s: more is missing than depends on it", test.name)
		}
	}
}

func TestHostileMappings(t *testing.T) {
	c := sample()
	c.Processes[0].VMAs = []decodertest.VMA{
		{Start: 0x20000, End: 0x22000, Prot: rw},
		{Start: 0x10000, End: 0x14000, Prot: rw},                       // not in order: sorted
		{Start: 0x13000, End: 0x15000, Prot: rw},                       // overlaps
		{Start: 0x30000, End: 0x30000, Prot: rw},                       // empty
		{Start: 0x40000, End: 0x30000, Prot: rw},                       // ends before it begins
		{Start: 0x50001, End: 0x52000, Prot: rw},                       // off the page border
		{Start: 0x60000, End: 0x61000, Prot: rw, PgOff: 1 << 63},       // negative offset
		{Start: 0x21000, End: 0x22000, Status: decoder.StatusGuard},    // no mapping
		{Start: 0x21000, End: 0x22000, Status: decoder.StatusGuard},    // the same again
		{Start: 0xfffffffffffff000, End: 0xffffffffffffffff, Prot: rw}, // off the page border, at the very top
	}
	mm := c.Open(t).Process(1).MM
	var got []string
	for _, v := range mm.VMAs {
		got = append(got, v.String())
	}
	if want := "[00010000-00014000 00020000-00022000]"; fmt.Sprint(got) != want {
		t.Errorf("VMAs = %v, want %v", got, want)
	}
	if want := "[00021000-00022000]"; fmt.Sprint(mm.Guards) != want {
		t.Errorf("Guards = %v, want %v", mm.Guards, want)
	}
}

func TestHostilePageRuns(t *testing.T) {
	c := sample()
	c.Processes[0].Runs = []decodertest.Run{
		{Addr: 0x11000, Pages: 1, Flags: criu.PagePresent},
		{Addr: 0x11000, Pages: 1, Flags: criu.PagePresent},            // the same page again
		{Addr: 0x12800, Pages: 1, Flags: criu.PagePresent},            // off the page border
		{Addr: 0x13000, Pages: 1, Flags: criu.PagePresent},            // good, and its page is the fourth
		{Addr: 0xfffffffffffff000, Pages: 2, Flags: criu.PagePresent}, // wraps
	}
	ck := c.Open(t)
	var got []string
	for _, r := range ck.Process(1).MM.Capture.Runs {
		got = append(got, fmt.Sprintf("%#x@%d", r.Addr, r.Index))
	}
	if want := "[0x11000@0 0x13000@3]"; fmt.Sprint(got) != want {
		t.Errorf("page runs = %v, want %v", got, want)
	}
	if w := ck.Warnings.List(); len(w) != 3 {
		t.Errorf("warnings %q, want three", w)
	}
}

func TestHostileTree(t *testing.T) {
	c := sample()
	c.Processes = append(c.Processes,
		decodertest.Process{PID: 1, Comm: "again"},
		decodertest.Process{PID: 0, Comm: "nobody"},
	)
	if ck := c.Open(t); len(ck.Processes) != 3 || len(ck.Warnings.List()) != 2 {
		t.Errorf("%d processes, warnings %q; want 3 and 2", len(ck.Processes), ck.Warnings.List())
	}
}

// TestOldPagemap reads a pagemap as CRIU before 4.2 wrote it.
func TestOldPagemap(t *testing.T) {
	c := sample()
	c.Processes[0].OldRuns = true
	ck := c.Open(t)
	if m := ck.Process(1).MM.Capture; m == nil || len(m.Runs) != 1 || m.Runs[0].Pages != 2 {
		t.Errorf("pagemap %+v, want two pages; warnings %q", m, ck.Warnings.List())
	}
}

func TestSplitVVAR(t *testing.T) {
	c := sample()
	vvar := decoder.StatusRegular | decoder.StatusAnonPrivate | decoder.StatusVVAR
	c.Processes[0].VMAs = []decodertest.VMA{
		{Start: 0x10000, End: 0x16000, Prot: decoder.ProtRead, Status: vvar}, // six pages: two mappings
		{Start: 0x20000, End: 0x24000, Prot: decoder.ProtRead, Status: vvar}, // four: one
	}
	c.Processes[0].Runs = nil
	var got []string
	for _, v := range c.Open(t).Process(1).MM.VMAs {
		got = append(got, v.String())
	}
	if want := "[00010000-00014000 00014000-00016000 00020000-00024000]"; fmt.Sprint(got) != want {
		t.Errorf("VMAs = %v, want %v", got, want)
	}
}

// TestCompat gives a 32-bit task an auxiliary vector with a pair in each word.
func TestCompat(t *testing.T) {
	c := sample()
	c.Processes[0].Compat = true
	ck := c.Open(t)
	p := ck.Process(1)
	if p.Leader().Registers.Arch != decoder.ArchI386 || p.MM.PageSize != 4096 || len(ck.Warnings.List()) != 0 {
		t.Errorf("arch %v, page size %d, warnings %q", p.Leader().Registers.Arch, p.MM.PageSize, ck.Warnings.List())
	}
}

// TestParent has pages in a parent checkpoint, which is not there.
func TestParent(t *testing.T) {
	c := sample()
	c.Processes[0].Runs = append(c.Processes[0].Runs, decodertest.Run{Addr: 0x13000, Pages: 1, Flags: criu.PageParent})
	ck := c.Open(t)
	if w := ck.Warnings.List(); len(w) != 1 || !strings.Contains(w[0], "1 pages are in a parent checkpoint") {
		t.Errorf("warnings %q, want one of the page in the parent", w)
	}
}

// BenchmarkOpen opens a process of a million page runs, and tells what it
// holds of each.
func BenchmarkOpen(b *testing.B) {
	const n = 1_000_000
	runs := make([]decodertest.Run, n)
	for i := range runs {
		runs[i] = decodertest.Run{Addr: uint64(i) * 0x2000, Pages: 1, Flags: criu.PageLazy}
	}
	c := sample()
	c.Processes[0].VMAs = []decodertest.VMA{{Start: 0, End: n * 0x2000, Prot: rw}}
	c.Processes[0].Runs = runs
	a := decodertest.OpenArchive(b, c.Tar())
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var ck *decoder.Checkpoint
	for b.Loop() {
		var err error
		if ck, err = decoder.Open(a, decoder.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/n, "B/run")
	runtime.KeepAlive(ck)
}

// TestSuspicious has what no sound checkpoint has, each with its warning.
func TestSuspicious(t *testing.T) {
	file := decoder.StatusRegular | decoder.StatusFilePrivate
	for _, test := range []struct {
		name   string
		change func(*decodertest.Checkpoint)
		want   string
	}{
		{"a mapping of no file", func(c *decodertest.Checkpoint) {
			c.Processes[1].VMAs = []decodertest.VMA{{Start: 0x5000, End: 0x6000, Status: file, ShmID: 99}}
		}, "checkpoint/mm-7.img: mapping 00005000-00006000 is of file 99, which checkpoint/files.img does not have"},
		{
			"no executable", func(c *decodertest.Checkpoint) { c.Processes[1].Exe = 99 },
			"process 7: checkpoint/mm-7.img: its executable is file 99, which checkpoint/files.img does not have",
		},
		{"pages in no mapping", func(c *decodertest.Checkpoint) {
			c.Processes[0].VMAs = []decodertest.VMA{{Start: 0x12000, End: 0x14000, Prot: rw}}
		}, "process 1: pages at 00011000-00012000 were captured and lie in no mapping"},
		{"the pages of another", func(c *decodertest.Checkpoint) {
			c.Processes[1].Runs = c.Processes[0].Runs
			c.Members = map[string][]byte{"checkpoint/pagemap-7.img": decodertest.Pagemap(1, false, c.Processes[0].Runs...)}
		}, "process 7: its captured memory is absent: checkpoint/pagemap-7.img names checkpoint/pages-1.img, which is that of checkpoint/pagemap-1.img"},
		{
			"a thread with the PID of a process", func(c *decodertest.Checkpoint) { c.Processes[0].Threads = []int{7} },
			"process 1: thread 7: impossible or repeated TID, left out",
		},
	} {
		c := sample()
		test.change(&c)
		if got := c.Open(t).Warnings.List(); len(got) != 1 || got[0] != test.want {
			t.Errorf("%s: warnings %q, want %q", test.name, got, test.want)
		}
	}
}

func TestWarningsAreBounded(t *testing.T) {
	var w decoder.Warnings
	for i := range 20_000 {
		w.Addf("%d %s", i, strings.Repeat("x", 5000))
	}
	list := w.List()
	if n := len(list); n != 10_001 || len(list[0]) > 1100 || list[n-1] != "10000 more warnings" {
		t.Errorf("%d warnings, the first of %d bytes, the last %q", n, len(list[0]), list[n-1])
	}
}
