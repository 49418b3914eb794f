package procfmt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/memview"
)

func render(t *testing.T, f func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	anonymous = decoder.StatusRegular | decoder.StatusAnonPrivate
	private   = decoder.MapPrivate
)

func TestMaps(t *testing.T) {
	file := &decoder.File{
		Kind: decoder.FileRegular, Path: "/usr/lib/libc.so.6",
		Dev: decoder.Dev{Major: 0, Minor: 0x28}, Ino: 1106986,
	}
	rx := decoder.ProtRead | decoder.ProtExec
	for _, test := range []struct {
		name string
		vma  decoder.VMA
		want string
	}{
		{
			"file",
			decoder.VMA{Range: decoder.Range{Start: 0x7f9418cb6000, End: 0x7f9418e0c000}, Prot: rx, Flags: private, PgOff: 0x26000, File: file},
			"7f9418cb6000-7f9418e0c000 r-xp 00026000 00:28 1106986                    /usr/lib/libc.so.6\n",
		},
		{
			"anonymous, with the kernel's trailing space",
			decoder.VMA{Range: decoder.Range{Start: 0x7f0000000000, End: 0x7f0000001000}, Flags: private, Status: anonymous},
			"7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n",
		},
		{
			"low addresses have eight digits",
			decoder.VMA{Range: decoder.Range{Start: 0x1000, End: 0x2000}, Flags: private, Status: anonymous},
			"00001000-00002000 ---p 00000000 00:00 0 \n",
		},
		{
			"heap",
			decoder.VMA{Range: decoder.Range{Start: 0x50000, End: 0x60000}, Prot: decoder.ProtRead | decoder.ProtWrite, Flags: private, Status: anonymous},
			"00050000-00060000 rw-p 00000000 00:00 0                                  [heap]\n",
		},
		{
			"stack",
			decoder.VMA{Range: decoder.Range{Start: 0x70000, End: 0x80000}, Prot: decoder.ProtRead | decoder.ProtWrite, Flags: private, Status: anonymous},
			"00070000-00080000 rw-p 00000000 00:00 0                                  [stack]\n",
		},
		{
			"deleted, shared",
			decoder.VMA{Range: decoder.Range{Start: 0x90000, End: 0x91000}, Flags: decoder.MapShared, File: &decoder.File{Path: "/tmp/x", Deleted: true, Ino: 5}},
			"00090000-00091000 ---s 00000000 00:00 5                                  /tmp/x (deleted)\n",
		},
		{
			"memfd",
			decoder.VMA{Range: decoder.Range{Start: 0x90000, End: 0x91000}, Flags: decoder.MapShared, File: &decoder.File{Kind: decoder.FileMemfd, Path: "payload", Deleted: true, Ino: 92}},
			"00090000-00091000 ---s 00000000 00:00 92                                 /memfd:payload (deleted)\n",
		},
		{
			"newline in a name",
			decoder.VMA{Range: decoder.Range{Start: 0x90000, End: 0x91000}, Flags: private, File: &decoder.File{Path: "/a\nb\\c d"}},
			"00090000-00091000 ---p 00000000 00:00 0                                  /a\\012b\\c d\n",
		},
		{
			"line longer than the column",
			decoder.VMA{Range: decoder.Range{Start: 0xffffffffff600000, End: 0xffffffffff601000}, Flags: private, PgOff: 0x7fffffffffff0000, File: &decoder.File{Path: "/x", Dev: decoder.Dev{Major: 0xfff, Minor: 0xfffff}, Ino: 1 << 63}},
			"ffffffffff600000-ffffffffff601000 ---p 7fffffffffff0000 fff:fffff 9223372036854775808  /x\n",
		},
	} {
		mm := &decoder.MM{VMAs: []*decoder.VMA{&test.vma}, StartBrk: 0x50000, Brk: 0x58000, StartStack: 0x78000}
		got := render(t, func(w io.Writer) error { return procfmt.Maps(w, mm) })
		if got != test.want {
			t.Errorf("%s: Maps() = %q, want %q", test.name, got, test.want)
		}
	}
}

func TestMapsKernelMappings(t *testing.T) {
	vma := func(start decoder.Addr, status decoder.VMAStatus) *decoder.VMA {
		return &decoder.VMA{Range: decoder.Range{Start: start, End: start + 0x1000}, Flags: private, Status: anonymous | status}
	}
	mm := &decoder.MM{VMAs: []*decoder.VMA{
		vma(0x1000, decoder.StatusVVAR), vma(0x2000, decoder.StatusVVAR), vma(0x3000, decoder.StatusVDSO),
		vma(0x9000, decoder.StatusVsyscall), vma(0xb000, decoder.StatusUprobes),
	}}
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(render(t, func(w io.Writer) error { return procfmt.Maps(w, mm) })), "\n") {
		fields := strings.Fields(line)
		got = append(got, fields[len(fields)-1])
	}
	if got, want := strings.Join(got, " "), "[vvar] [vvar_vclock] [vdso] [vsyscall] [uprobes]"; got != want {
		t.Errorf("Maps() names %s, want %s", got, want)
	}
}

func TestLabels(t *testing.T) {
	for _, test := range []struct {
		file *decoder.File
		want string
	}{
		{nil, "anon"},
		{&decoder.File{Path: "/usr/lib/libc.so.6"}, "libc.so.6"},
		{&decoder.File{Path: "/tmp/x", Deleted: true}, "x"},
		{&decoder.File{Kind: decoder.FileMemfd, Path: "payload"}, "memfd_payload"},
		{&decoder.File{Kind: decoder.FileMemfd, Path: "/dev/zero"}, "zero"},
		{&decoder.File{Path: "/a b\n/../é!"}, "___"},
		{&decoder.File{Path: "/"}, "anon"},
		{&decoder.File{Path: "/" + strings.Repeat("n", 300)}, strings.Repeat("n", 128)},
	} {
		v := &decoder.VMA{Range: decoder.Range{Start: 0x1000, End: 0x2000}, Status: anonymous, File: test.file}
		if got := procfmt.Labels(&decoder.MM{VMAs: []*decoder.VMA{v}})[v]; got != test.want {
			t.Errorf("label of %+v = %q, want %q", test.file, got, test.want)
		}
	}
}

func TestAuxv(t *testing.T) {
	words := func(w ...uint64) string {
		var b []byte
		for _, v := range w {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return string(b)
	}
	for _, test := range []struct {
		name string
		auxv []uint64
		want string
	}{
		{"without its end, as on x86", []uint64{6, 4096}, words(6, 4096, 0, 0)},
		{"with it, as on aarch64", []uint64{6, 4096, 0, 0}, words(6, 4096, 0, 0)},
		{"more behind the end", []uint64{6, 4096, 0, 0, 7, 7}, words(6, 4096, 0, 0)},
		{"half a pair", []uint64{6, 4096, 7}, words(6, 4096, 0, 0)},
		{"empty", nil, words(0, 0)},
	} {
		got := render(t, func(w io.Writer) error { return procfmt.Auxv(w, &decoder.MM{Auxv: test.auxv}) })
		if got != test.want {
			t.Errorf("%s: Auxv(%v) = %x, want %x", test.name, test.auxv, got, test.want)
		}
	}
}

// stackOf is an address space of two pages at 0x1000 that begins with s; the
// first page is captured, the second only if s reaches into it.
func stackOf(s string) (*decoder.MM, *memview.AddressSpace) {
	pages := (len(s) + 4095) / 4096
	mm := &decoder.MM{
		PageSize: 4096,
		VMAs:     []*decoder.VMA{{Range: decoder.Range{Start: 0x1000, End: 0x3000}, Status: decoder.StatusRegular | decoder.StatusFilePrivate}},
		Capture: &decoder.Capture{
			Runs:  []criu.PageRun{{Addr: 0x1000, Pages: uint32(pages), Flags: criu.PagePresent}},
			Pages: &decoder.Image{ReaderAt: bytes.NewReader(append([]byte(s), make([]byte, 4096)...))},
		},
	}
	return mm, memview.New(mm)
}

func TestCmdline(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name, memory string
		args, env    [2]int // offsets in memory
		want         string
	}{
		{"arguments", "sh\x00-c\x00ls\x00A=1\x00", [2]int{0, 9}, [2]int{9, 13}, "sh\x00-c\x00ls\x00"},
		{"none", "", [2]int{0, 0}, [2]int{0, 0}, ""},
		{"title inside the arguments", "title\x00\x00\x00A=1\x00", [2]int{0, 8}, [2]int{8, 12}, "title\x00\x00\x00"},
		{"title over the environment", "nginx: worker\x00A=1\x00", [2]int{0, 8}, [2]int{8, 18}, "nginx: worker\x00"},
		{"title that ends nowhere", "abcdefgh", [2]int{0, 4}, [2]int{4, 8}, "abcdefgh"},
		{"environment elsewhere", "abcdefgh", [2]int{0, 4}, [2]int{5, 8}, "abcd"},
		{"the kernel looks at one page of a title", long, [2]int{0, 4998}, [2]int{4998, 5000}, long[:4096]},
		{"arguments over a page", long[:4998] + "\x00", [2]int{0, 4999}, [2]int{4999, 4999}, long[:4998] + "\x00"},
	} {
		mm, space := stackOf(test.memory)
		at := func(i int) decoder.Addr { return 0x1000 + decoder.Addr(i) }
		mm.ArgStart, mm.ArgEnd, mm.EnvStart, mm.EnvEnd = at(test.args[0]), at(test.args[1]), at(test.env[0]), at(test.env[1])
		r, err := procfmt.Cmdline(mm, space)
		if err != nil {
			t.Errorf("%s: Cmdline(): %v", test.name, err)
			continue
		}
		got := make([]byte, r.Len())
		if _, err := space.ReadMem(got, r.Start); err != nil || string(got) != test.want {
			t.Errorf("%s: Cmdline() = %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

func TestEnvironPartlyAbsent(t *testing.T) {
	mm, space := stackOf("A=1\x00")
	mm.EnvStart, mm.EnvEnd = 0x1000, 0x3000
	if r, err := procfmt.Environ(mm, space); err != nil || r != (decoder.Range{Start: 0x1000, End: 0x2000}) {
		t.Errorf("Environ() = %v, %v, want the page that is there", r, err)
	}
	mm.EnvStart = 0x2000
	_, err := procfmt.Environ(mm, space)
	if fault := (*memview.Fault)(nil); !errors.As(err, &fault) || fault.Addr != 0x2000 {
		t.Errorf("Environ() of absent memory: error %v, want a fault at 0x2000", err)
	}
	mm.EnvStart, mm.EnvEnd = 0x3000, 0x1000
	if r, err := procfmt.Environ(mm, space); err != nil || r.Len() != 0 {
		t.Errorf("Environ() of a range that ends before it begins = %v, %v", r, err)
	}
}

func TestItems(t *testing.T) {
	_, space := stackOf("python3\x00-c\x00print('\x1b[31m')\n\x00\x00last")
	got := render(t, func(w io.Writer) error {
		return procfmt.Items(w, space, decoder.Range{Start: 0x1000, End: 0x1000 + 32})
	})
	if want := "python3\n-c\nprint('\\x1b[31m')\\x0a\n\nlast\n"; got != want {
		t.Errorf("Items() = %q, want %q", got, want)
	}
}

func TestHugeEnviron(t *testing.T) {
	mm, space := stackOf("A=1\x00")
	mm.EnvStart, mm.EnvEnd = 0x1000, 1<<63+0x1000
	if r, err := procfmt.Environ(mm, space); err == nil || r.Len() != 0 {
		t.Errorf("Environ() of half an address space = %v, %v, want an error", r, err)
	}
}

func TestRegs(t *testing.T) {
	regs := &decoder.Registers{Arch: decoder.ArchX86_64, X86: &decoder.X86Registers{GP: decoder.X86GP{
		AX: 0xfffffffffffffdfe, BP: 0x55f881a9554a, IP: 0x7f9418d63df2, Flags: 0x293, CS: 0x33,
	}}}
	got := render(t, func(w io.Writer) error { return procfmt.Regs(w, regs) })
	for _, want := range []string{
		"rax            0xfffffffffffffdfe  -514\n",
		"rbp            0x55f881a9554a      0x55f881a9554a\n",
		"rip            0x7f9418d63df2      0x7f9418d63df2\n",
		"eflags         0x293               [ CF AF SF IF ]\n",
		"cs             0x33                51\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Regs() lacks %q:\n%s", want, got)
		}
	}
	regs = &decoder.Registers{Arch: decoder.ArchAArch64, ARM64: &decoder.ARM64Registers{PState: 0x80001000, HasFP: true, TLS: 0xffff968a0c40}}
	got = render(t, func(w io.Writer) error { return procfmt.Regs(w, regs) })
	for _, want := range []string{
		"cpsr           0x80001000          [ EL=0 BTYPE=0 SSBS N ]\n",
		"fpcr           0x0                 [ Len=0 Stride=0 RMode=0 ]\n",
		"tpidr          0xffff968a0c40      0xffff968a0c40\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Regs() lacks %q:\n%s", want, got)
		}
	}
	regs = &decoder.Registers{Arch: decoder.ArchI386, X86: &decoder.X86Registers{GP: decoder.X86GP{AX: 0xfffffffffffffdfe, SP: 0xf7faa700}}}
	got = render(t, func(w io.Writer) error { return procfmt.Regs(w, regs) })
	if want := "eax            0xfffffdfe          -514\n"; !strings.HasPrefix(got, want) {
		t.Errorf("Regs() of a 32-bit task begins with %q, want %q", got[:min(len(got), 60)], want)
	}
}

func TestMemIdx(t *testing.T) {
	mm, space := stackOf("x")
	mm.VMAs[0].File = &decoder.File{Path: "/bin/sh"}
	mm.Capture.Pages.Name = "archive/checkpoint/pages-1.img"
	got := render(t, func(w io.Writer) error { return procfmt.MemIdx(w, mm, space) })
	want := "0000000000001000\t0000000000002000\t---p\tcaptured\tarchive/checkpoint/pages-1.img\t0\tsh\n" +
		"0000000000002000\t0000000000003000\t---p\tabsent\t-\t-\tsh\n"
	if got != want {
		t.Errorf("MemIdx() = %q, want %q", got, want)
	}
}

func TestSmaps(t *testing.T) {
	mm, space := stackOf("x")
	mm.VMAs[0].Prot, mm.VMAs[0].Flags = decoder.ProtRead|decoder.ProtWrite, private|decoder.MapGrowsDown
	mm.VMAs[0].Madv = 1<<14 | 1<<16
	got := render(t, func(w io.Writer) error { return procfmt.Smaps(w, mm, space) })
	want := `00001000-00003000 rw-p 00000000 00:00 0 
Size:                  8 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                   4 kB
Pss:                   0 kB
Pss_Dirty:             0 kB
Shared_Clean:          0 kB
Shared_Dirty:          0 kB
Private_Clean:         0 kB
Private_Dirty:         4 kB
Referenced:            0 kB
Anonymous:             4 kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
Locked:                0 kB
THPeligible:           0
VmFlags: rd wr mr mw me gd ac dd hg 
`
	if got != want {
		t.Errorf("Smaps() =\n%s\nwant\n%s", got, want)
	}
	mm.VMAs[0].Flags |= decoder.MapHugeTLB | 30<<decoder.MapHugeShift
	if got := render(t, func(w io.Writer) error { return procfmt.Smaps(w, mm, space) }); !strings.Contains(got, "KernelPageSize:  1048576 kB\n") {
		t.Errorf("Smaps() of a page of 1 GiB:\n%s", got)
	}
}

func TestBuildIDs(t *testing.T) {
	libc := &decoder.File{Path: "/lib/libc.so", BuildID: []byte{0xab, 0xcd, 0, 1}}
	deleted := &decoder.File{Path: "/tmp/x\x1b", Deleted: true, BuildID: []byte{1, 2, 3, 4}}
	vma := func(start, end decoder.Addr, off int64, f *decoder.File) *decoder.VMA {
		return &decoder.VMA{Range: decoder.Range{Start: start, End: end}, PgOff: off, File: f}
	}
	mm := &decoder.MM{VMAs: []*decoder.VMA{
		vma(0x1000, 0x2000, 0, deleted),
		vma(0x2000, 0x3000, 0, &decoder.File{Path: "/etc/data"}),
		vma(0x4000, 0x5000, 0, libc), vma(0x5000, 0x7000, 0x1000, libc), vma(0x7000, 0x8000, 0x3000, libc),
		vma(0x8000, 0x9000, 0, nil),
		vma(0x9000, 0xa000, 0, libc), // mapped once more
	}}
	got := render(t, func(w io.Writer) error { return procfmt.BuildIDs(w, mm) })
	want := "0x1000+0x1000 01020304 - - /tmp/x\\x1b (deleted)\n" +
		"0x4000+0x4000 abcd0001 - - /lib/libc.so\n" +
		"0x9000+0x1000 abcd0001 - - /lib/libc.so\n"
	if got != want {
		t.Errorf("BuildIDs() = %q, want %q", got, want)
	}
}
