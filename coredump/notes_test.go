package coredump

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

// unhex reads hex digits; blanks and what follows a # are left out.
func unhex(s string) []byte {
	var digits strings.Builder
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		panic(err)
	}
	return b
}

// words is little-endian u64s.
func words(w ...uint64) (b []byte) {
	for _, w := range w {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// count is the u64s from, from+1, ..., to.
func count(from, to uint64) (w []uint64) {
	for ; from <= to; from++ {
		w = append(w, from)
	}
	return w
}

func zeros(n int) []byte { return make([]byte, n) }

func checkBytes(t *testing.T, name string, got []byte, want ...[]byte) {
	t.Helper()
	w := bytes.Join(want, nil)
	if !bytes.Equal(got, w) {
		t.Errorf("%s = %d bytes\n%swant %d\n%s", name, len(got), hex.Dump(got), len(w), hex.Dump(w))
	}
}

func TestAppendNote(t *testing.T) {
	checkBytes(t, "note of 5 bytes", appendNote(nil, ownerCore, ntFile, []byte("hello")), unhex(`
		05000000 05000000 454c4946  434f5245 00 000000  68656c6c6f 000000`))
	checkBytes(t, "note of LINUX", appendNote(nil, ownerLinux, ntX86XState, []byte("1234")), unhex(`
		06000000 04000000 02020000  4c494e5558 00 0000  31323334`))
}

func TestAppendPRSTATUS(t *testing.T) {
	p := &decoder.Process{PID: 7, PPID: 1, PGID: 0x11, SID: 0x22}
	gp := decoder.X86GP{
		R15: 1, R14: 2, R13: 3, R12: 4, BP: 5, BX: 6, R11: 7, R10: 8, R9: 9, R8: 10, AX: 11, CX: 12, DX: 13, SI: 14,
		DI: 15, OrigAX: 16, IP: 17, CS: 18, Flags: 19, SP: 20, SS: 21, FSBase: 22, GSBase: 23, DS: 24, ES: 25, FS: 26, GS: 27,
	}
	th := thread{
		&decoder.Thread{TID: 0x1234, SigPend: 1 << 9, SigBlock: 1 | 1<<36},
		&x86Registers{GP: gp, FP: &decoder.X86FP{}},
	}
	common := unhex(`
		00000000 00000000 00000000  # signal
		0000 0000                   # current signal
		0002000000000000            # pending: 10
		0100000010000000            # held: 1 and 37
		34120000 01000000 11000000 22000000`)
	checkBytes(t, "x86-64", appendPRSTATUS(nil, p, th),
		common, zeros(64), words(count(1, 27)...), unhex("01000000 00000000"))

	th.registers = &x86Registers{GP: gp}
	checkBytes(t, "x86-64 without FP", appendPRSTATUS(nil, p, th),
		common, zeros(64), words(count(1, 27)...), unhex("00000000 00000000"))

	r := &arm64Registers{X: [31]uint64(count(1, 31)), SP: 32, PC: 33, PState: 34, HasFP: true}
	th.registers = r
	checkBytes(t, "aarch64", appendPRSTATUS(nil, p, th),
		common, zeros(64), words(count(1, 34)...), unhex("01000000 00000000"))
}

func TestAppendPRPSINFO(t *testing.T) {
	p := &decoder.Process{PID: 7, PPID: 1, PGID: 0x11, SID: 0x22, Flags: 0x400100, Comm: "a-comm-that-is-too-long"}
	leader := &decoder.Thread{Nice: -5, Creds: &decoder.Creds{UID: 1000, GID: 100}}
	checkBytes(t, "running", appendPRPSINFO(nil, class64, p, leader, []byte("sh\x00-c\x00")), unhex(`
		00 52 00 fb 00000000                     # state, R, zombie, nice, padding
		0001400000000000                         # flag
		e8030000 64000000                        # uid, gid
		07000000 01000000 11000000 22000000      # pid, ppid, pgrp, sid
		61 2d 63 6f 6d 6d 2d 74 68 61 74 2d 69 73 2d 00
		73 68 20 2d 63 20                        # sh -c`), zeros(74))

	p.State, leader.Creds = decoder.TaskStopped, nil
	got := appendPRPSINFO(nil, class64, p, leader, bytes.Repeat([]byte{'x'}, 200))
	checkBytes(t, "stopped: state", got[:2], []byte{3, 'T'})
	checkBytes(t, "no credentials", got[16:24], unhex("ffffffff ffffffff"))
	checkBytes(t, "long arguments", got[56:], bytes.Repeat([]byte{'x'}, 79), zeros(1))
}

func TestReadArgs(t *testing.T) {
	_, mem := draw("[D.]", testPage)
	const end = testBase + testPage
	for _, tt := range []struct {
		name       string
		start, end decoder.Addr
		want       int
	}{
		{"none", testBase, testBase, 0},
		{"wrong way round", testBase + 1, testBase, 0},
		{"short", testBase + 1, testBase + 4, 3},
		{"long", testBase, testBase + 4000, 79},
		{"longer than any", testBase, 1<<64 - 1, 79},
		{"partly absent", end - 10, end + 10, 10},
		{"absent", end, end + 10, 0},
	} {
		if got := readArgs(mem, &decoder.MM{ArgStart: tt.start, ArgEnd: tt.end}); len(got) != tt.want {
			t.Errorf("%s: readArgs = %d bytes, want %d", tt.name, len(got), tt.want)
		}
	}
}

func TestAppendAUXV(t *testing.T) {
	for _, tt := range []struct {
		name string
		auxv []uint64
		want []uint64
	}{
		{"none", nil, []uint64{0, 0}},
		{"without AT_NULL", []uint64{6, 4096, 9, 0}, []uint64{6, 4096, 9, 0, 0, 0}},
		{"with AT_NULL", []uint64{6, 4096, 0, 0}, []uint64{6, 4096, 0, 0}},
		{"behind AT_NULL", []uint64{6, 4096, 0, 0, 9, 1}, []uint64{6, 4096, 0, 0}},
		{"odd", []uint64{6, 4096, 9}, []uint64{6, 4096, 0, 0}},
	} {
		checkBytes(t, tt.name, appendAUXV(nil, class64, tt.auxv), words(tt.want...))
	}
}

func fileVMA(start, end decoder.Addr, pgoff int64, f *decoder.File) *decoder.VMA {
	return &decoder.VMA{Range: decoder.Range{Start: start, End: end}, PgOff: pgoff, File: f}
}

func TestAppendFILE(t *testing.T) {
	checkBytes(t, "none", appendFILE(nil, class64, &decoder.MM{PageSize: 4096}), words(0, 4096))
	checkBytes(t, "three", appendFILE(nil, class64, &decoder.MM{PageSize: 4096, VMAs: []*decoder.VMA{
		fileVMA(0x1000, 0x3000, 0x5000, &decoder.File{Kind: decoder.FileRegular, Path: "/a"}),
		fileVMA(0x3000, 0x4000, 0, nil),
		fileVMA(0x4000, 0x5000, 0, &decoder.File{Kind: decoder.FileMemfd, Path: "m"}),
		fileVMA(0x6000, 0x7000, 0, &decoder.File{Kind: decoder.FileRegular, Path: "/b\x00c", Deleted: true}),
	}}), unhex(`
		0300000000000000 0010000000000000
		0010000000000000 0030000000000000 0500000000000000
		0040000000000000 0050000000000000 0000000000000000
		0060000000000000 0070000000000000 0000000000000000`),
		[]byte("/a\x00/memfd:m (deleted)\x00/b\x00"))
}

func TestAppendFILEBounded(t *testing.T) {
	f := &decoder.File{Kind: decoder.FileRegular, Path: "/" + strings.Repeat("x", 4094)}
	mm := &decoder.MM{PageSize: 4096}
	for i := range 4_200 {
		mm.VMAs = append(mm.VMAs, fileVMA(decoder.Addr(i)<<12, decoder.Addr(i+1)<<12, 0, f))
	}
	b := appendFILE(nil, class64, mm)
	n := binary.LittleEndian.Uint64(b)
	if want := uint64(maxFileNote-16) / (24 + 4096); n != want || len(b) != 16+int(want)*(24+4096) {
		t.Errorf("appendFILE = %d bytes, %d files, want %d files", len(b), n, want)
	}
}

// fxsave is an FXSAVE image with a different number in each field.
var testFP = decoder.X86FP{
	CWD: 0x37f, SWD: 0x3800, TWD: 0x80, FOP: 5, RIP: 6, RDP: 7, MXCSR: 0x1f80, MXCSRMask: 0xffff,
	ST: [32]uint32{0: 0x10, 31: 0x11}, XMM: [64]uint32{0: 0x20, 63: 0x21},
}

func fxsave(xcr0 uint64) []byte {
	return bytes.Join([][]byte{
		unhex(`
			7f03 0038 8000 0500  0600000000000000 0700000000000000  801f0000 ffff0000
			10000000`), zeros(30 * 4), unhex("11000000 20000000"), zeros(62 * 4), unhex("21000000"),
		zeros(48), words(xcr0), zeros(40),
	}, nil)
}

func TestAppendFPREGSET(t *testing.T) {
	checkBytes(t, "x86-64", (&x86Registers{FP: &testFP}).appendFPREGSET(nil), fxsave(0))
	r := &arm64Registers{V: [64]uint64(count(1, 64)), FPSR: 0x1234, FPCR: 0x5678}
	checkBytes(t, "aarch64", r.appendFPREGSET(nil), words(count(1, 64)...), unhex("34120000 78560000"), zeros(8))
}

func TestAppendXSTATE(t *testing.T) {
	ymm := make([]uint32, 64)
	ymm[0], ymm[63] = 1, 2
	avx512 := decoder.X86XSave{
		XStateBV: 1<<7 | 1<<6 | 1<<5 | 1<<2,
		YMMH:     ymm,
		Opmask:   count(0x100, 0x107),
		ZMMUpper: count(0x200, 0x23f),
		Hi16ZMM:  count(0x300, 0x37f),
	}
	all := avx512
	all.XStateBV = ^uint64(0)
	all.BndRegs, all.BndCSR = count(0x400, 0x407), count(0x500, 0x507)
	all.PKRU = []uint32{0x55555554, 0}
	ymmBytes := bytes.Join([][]byte{unhex("01000000"), zeros(62 * 4), unhex("02000000")}, nil)

	for _, tt := range []struct {
		name  string
		x     decoder.X86XSave
		xcr0  uint64
		bv    uint64
		state [][]byte // from 576 on
	}{
		{"SSE", decoder.X86XSave{XStateBV: 7}, 3, 3, nil},
		{"AVX", decoder.X86XSave{XStateBV: 1<<9 | 6, YMMH: ymm}, 7, 6, [][]byte{ymmBytes}},
		{"AVX-512", avx512, 0xe7, 0xe4, [][]byte{
			ymmBytes, zeros(256), words(avx512.Opmask...), words(avx512.ZMMUpper...), words(avx512.Hi16ZMM...),
		}},
		{"PKRU without AVX-512", decoder.X86XSave{XStateBV: 0x200, YMMH: ymm, PKRU: all.PKRU}, 0x207, 0x200, [][]byte{
			ymmBytes, zeros(2688 - 832), unhex("54555555 00000000"),
		}},
		{"all", all, 0x2ff, 0x2ff, [][]byte{
			ymmBytes, zeros(128), words(all.BndRegs...), words(all.BndCSR...), words(all.Opmask...),
			words(all.ZMMUpper...), words(all.Hi16ZMM...), unhex("54555555 00000000"),
		}},
	} {
		r := &x86Registers{FP: &testFP, XSave: &tt.x}
		checkBytes(t, tt.name, r.appendXSTATE(nil), fxsave(tt.xcr0), words(tt.bv), zeros(56), bytes.Join(tt.state, nil))
	}
}

func TestAppendARM64Notes(t *testing.T) {
	mm := &decoder.MM{Auxv: []uint64{16, 1 << 30}, VMAs: []*decoder.VMA{fileVMA(0xffffc0000000, 0x1000000000000, 0, nil)}}
	tls := unhex(`06000000 10000000 01040000 4c494e5558000000  efbeadde00000000 0000000000000000`)
	r := &arm64Registers{TLS: 0xdeadbeef}
	checkBytes(t, "with PAC", r.appendArchNotes(nil, mm), tls, unhex(`
		06000000 10000000 06040000 4c494e5558000000  0000000000007f00 0000000000007f00`))
	mm.Auxv[1] = 1<<31 | 1<<29
	checkBytes(t, "without PAC", r.appendArchNotes(nil, mm), tls)
}

func TestPACMask(t *testing.T) {
	for _, tt := range []struct {
		highest decoder.Addr // end of the last VMA
		want    uint64
	}{
		{0x8000000000, 0x7fff8000000000},
		{0x8000001000, 0x7ffc0000000000},
		{0x40000000000, 0x7ffc0000000000},
		{0x800000000000, 0x7f800000000000},
		{0x800000001000, 0x7f000000000000},
		{0x1000000000000, 0x7f000000000000},
		{0x1000000001000, 0x70000000000000},
	} {
		mm := &decoder.MM{VMAs: []*decoder.VMA{fileVMA(0x1000, tt.highest, 0, nil)}}
		if got := pacMask(mm); got != tt.want {
			t.Errorf("pacMask(up to %v) = %#x, want %#x", tt.highest, got, tt.want)
		}
	}
}

// listNotes reads the notes of a core file: owner, type, size; with the TID
// where one has it.
func listNotes(t *testing.T, c *Core) (list []string) {
	t.Helper()
	f, err := elf.NewFile(c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f.Progs[0].Open())
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		le := binary.LittleEndian
		nameSize, size, typ := le.Uint32(b), le.Uint32(b[4:]), elf.NType(le.Uint32(b[8:]))
		name := string(b[12 : 12+nameSize-1])
		b = b[12+(nameSize+3)/4*4:]
		s := fmt.Sprintf("%s %#x %d", name, int(typ), size)
		if typ == elf.NT_PRSTATUS {
			tid := 32
			if f.Class == elf.ELFCLASS32 {
				tid = 24
			}
			s += fmt.Sprintf(" tid %d", le.Uint32(b[tid:]))
		}
		list = append(list, s)
		b = b[(size+3)/4*4:]
	}
	return list
}

func TestNoteOrder(t *testing.T) {
	x86 := func(tid int, r *decoder.X86Registers) *decoder.Thread {
		return &decoder.Thread{TID: tid, Registers: &decoder.Registers{Arch: decoder.ArchX86_64, X86: r}}
	}
	i386 := func(tid int, r *decoder.X86Registers) *decoder.Thread {
		return &decoder.Thread{TID: tid, Registers: &decoder.Registers{Arch: decoder.ArchI386, X86: r}}
	}
	arm := func(tid int) *decoder.Thread {
		return &decoder.Thread{TID: tid, Registers: &decoder.Registers{
			Arch: decoder.ArchAArch64, ARM64: &decoder.ARM64Registers{HasFP: true},
		}}
	}
	fp := &decoder.X86FP{}
	tls := []decoder.X86Segment{{Entry: 12, Base: 0x1000, Limit: 0xfffff, Flags: 0x51}, {Entry: 13, Flags: 0x28}}
	full := &decoder.X86Registers{FP: fp, XSave: &decoder.X86XSave{YMMH: make([]uint32, 64)}}
	common := []string{"CORE 0x3 136", "CORE 0x53494749 128", "CORE 0x6 32", "CORE 0x46494c45 16"}
	common32 := []string{"CORE 0x3 124", "CORE 0x53494749 128", "CORE 0x6 24", "CORE 0x46494c45 8"}
	list := func(first string, rest ...string) []string {
		return append(append([]string{first}, common...), rest...)
	}
	for _, tt := range []struct {
		name    string
		threads []*decoder.Thread
		want    []string
	}{
		{
			"x86-64",
			[]*decoder.Thread{x86(7, full), x86(8, full)},
			list("CORE 0x1 336 tid 7", "CORE 0x2 512", "LINUX 0x202 832",
				"CORE 0x1 336 tid 8", "CORE 0x2 512", "LINUX 0x202 832"),
		},
		{
			"x86-64 without FP or XSAVE",
			[]*decoder.Thread{x86(7, &decoder.X86Registers{}), x86(8, &decoder.X86Registers{FP: fp})},
			list("CORE 0x1 336 tid 7", "CORE 0x1 336 tid 8", "CORE 0x2 512"),
		},
		{
			"aarch64",
			[]*decoder.Thread{arm(7), arm(8)},
			list("CORE 0x1 392 tid 7", "CORE 0x2 528", "LINUX 0x401 16", "LINUX 0x406 16",
				"CORE 0x1 392 tid 8", "CORE 0x2 528", "LINUX 0x401 16", "LINUX 0x406 16"),
		},
		{
			"i386",
			[]*decoder.Thread{i386(7, &decoder.X86Registers{FP: fp, XSave: full.XSave, TLS: tls}), i386(8, full)},
			append(append([]string{"CORE 0x1 144 tid 7"}, common32...),
				"CORE 0x2 108", "LINUX 0x46e62b7f 512", "LINUX 0x202 832", "LINUX 0x200 32",
				"CORE 0x1 144 tid 8", "CORE 0x2 108", "LINUX 0x46e62b7f 512", "LINUX 0x202 832"),
		},
		{
			"i386 without FP or XSAVE, and with a thread in 64-bit mode",
			[]*decoder.Thread{i386(7, &decoder.X86Registers{}), x86(8, full), i386(9, &decoder.X86Registers{FP: fp, TLS: tls[1:]})},
			append(append([]string{"CORE 0x1 144 tid 7"}, common32...),
				"CORE 0x1 144 tid 9", "CORE 0x2 108", "LINUX 0x46e62b7f 512"),
		},
		{
			"threads without registers or of another machine",
			[]*decoder.Thread{{TID: 7}, x86(8, full), arm(9)},
			list("CORE 0x1 336 tid 8", "CORE 0x2 512", "LINUX 0x202 832"),
		},
	} {
		p := testProcess(nil, testPage)
		p.MM.Auxv = []uint64{16, 1 << 30}
		p.Threads = tt.threads
		if got := listNotes(t, newCore(t, p, &fakeMemory{})); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: notes\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}
