package coredump

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

// words32 is little-endian u32s.
func words32(w ...uint32) (b []byte) {
	for _, w := range w {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// kernelI386 are the registers of a 32-bit program that loaded, in this
// order, a denormal, infinity, a number without its integer bit, 1, pi and 0,
// and wrote to address 0. The bytes that the tests expect of them are those
// of the core file that Linux 6.18 wrote.
var kernelI386 = i386Registers{
	GP: decoder.X86GP{
		BX: 0x804b000, CX: 0, DX: 0x54545454, SI: 0x51515151, DI: 0x52525252, BP: 0x53535353, AX: 0,
		DS: 0x2b, ES: 0x2b, FS: 0, GS: 0, OrigAX: 1<<64 - 1, IP: 0x804904a, CS: 0x23, Flags: 0x10202, SP: 0xffdf86ec, SS: 0x2b,
	},
	FP: &decoder.X86FP{
		CWD: 0x37f, SWD: 0x1000, TWD: 0xfc, RIP: 0x804902d, MXCSR: 0x1f80, MXCSRMask: 0xffff,
		ST: [32]uint32{
			4: 0x2168c235, 5: 0xc90fdaa2, 6: 0x4000,
			8: 0, 9: 0x80000000, 10: 0x3fff,
			12: 1, 13: 0x40000000, 14: 0x4001,
			16: 0, 17: 0x80000000, 18: 0x7fff,
			20: 1,
		},
	},
	TLS: []decoder.X86Segment{
		{Entry: 12, Base: 0x804b060, Limit: 0xfffff, Flags: 0x51},
		{Entry: 13, Flags: 0x28},
		{Entry: 14, Flags: 0x28},
	},
}

func TestAppendPRSTATUS32(t *testing.T) {
	p := &decoder.Process{PID: 7, PPID: 1, PGID: 0x11, SID: 0x22}
	th := thread{&decoder.Thread{TID: 0x1234, SigPend: 1<<9 | 1<<33, SigBlock: 1 | 1<<31}, &kernelI386}
	want := unhex(`
		00000000 00000000 00000000 0000 0000     # signal, current signal
		00020000                                 # pending: 10
		01000080                                 # held: 1 and 32
		34120000 01000000 11000000 22000000
		00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
		00b00408 00000000 54545454 51515151 52525252 53535353 00000000  # bx cx dx si di bp ax
		2b000000 2b000000 00000000 00000000                             # ds es fs gs
		ffffffff 4a900408 23000000 02020100 ec86dfff 2b000000           # orig_ax ip cs flags sp ss
		01000000`)
	if len(want) != 144 {
		t.Fatalf("%d bytes are expected", len(want))
	}
	checkBytes(t, "i386", appendPRSTATUS(nil, p, th), want)

	noFP := kernelI386
	noFP.FP = nil
	th.registers = &noFP
	checkBytes(t, "i386 without FP", appendPRSTATUS(nil, p, th), want[:140], zeros(4))
}

func TestAppendPRPSINFO32(t *testing.T) {
	p := &decoder.Process{PID: 7, PPID: 1, PGID: 0x11, SID: 0x22, Flags: 0x400100, Comm: "a-comm-that-is-too-long"}
	leader := &decoder.Thread{Nice: -5, Creds: &decoder.Creds{UID: 1000, GID: 100_000}}
	checkBytes(t, "running", appendPRPSINFO(nil, class32, p, leader, []byte("sh\x00-c\x00")), unhex(`
		00 52 00 fb                              # state, R, zombie, nice
		00014000                                 # flag
		e803 feff                                # uid, gid: too large
		07000000 01000000 11000000 22000000      # pid, ppid, pgrp, sid
		61 2d 63 6f 6d 6d 2d 74 68 61 74 2d 69 73 2d 00
		73 68 20 2d 63 20                        # sh -c`), zeros(74))

	leader.Creds = nil
	got := appendPRPSINFO(nil, class32, p, leader, nil)
	checkBytes(t, "no credentials", got[8:12], unhex("ffff ffff"))
}

func TestAppendAUXV32(t *testing.T) {
	const pageSize, entry = 6 | 4096<<32, 9 | 0x8049000<<32
	for _, tt := range []struct {
		name string
		auxv []uint64
		want []uint32
	}{
		{"none", nil, []uint32{0, 0}},
		{"without AT_NULL", []uint64{pageSize, entry}, []uint32{6, 4096, 9, 0x8049000, 0, 0}},
		{"behind AT_NULL", []uint64{pageSize, 0, 0, entry}, []uint32{6, 4096, 0, 0}},
	} {
		checkBytes(t, tt.name, appendAUXV(nil, class32, tt.auxv), words32(tt.want...))
	}
}

func TestAppendFILE32(t *testing.T) {
	checkBytes(t, "none", appendFILE(nil, class32, &decoder.MM{PageSize: 4096}), words32(0, 4096))
	checkBytes(t, "two", appendFILE(nil, class32, &decoder.MM{PageSize: 4096, VMAs: []*decoder.VMA{
		fileVMA(0x8048000, 0x8049000, 0, &decoder.File{Kind: decoder.FileRegular, Path: "/a"}),
		fileVMA(0xf7ff0000, 0xf7ff4000, 0x123456789000, &decoder.File{Kind: decoder.FileRegular, Path: "/b"}),
	}}), unhex(`
		02000000 00100000
		00800408 00900408 00000000
		0000fff7 0040fff7 89674523`), []byte("/a\x00/b\x00"))
}

func TestAppendFILE32Bounded(t *testing.T) {
	f := &decoder.File{Kind: decoder.FileRegular, Path: "/" + strings.Repeat("x", 4094)}
	mm := &decoder.MM{PageSize: 4096}
	for i := range decoder.Addr(4_200) {
		mm.VMAs = append(mm.VMAs, fileVMA(i<<12, (i+1)<<12, 0, f))
	}
	b := appendFILE(nil, class32, mm)
	n := int(binary.LittleEndian.Uint32(b))
	if want := (maxFileNote - 8) / (12 + 4096); n != want || len(b) != 8+want*(12+4096) {
		t.Errorf("appendFILE = %d bytes, %d files, want %d files", len(b), n, want)
	}
}

func TestAppendFSAVE(t *testing.T) {
	checkBytes(t, "i386", kernelI386.appendFPREGSET(nil), unhex(`
		7f03ffff 0010ffff 1fa8ffff               # cwd swd twd
		2d900408 23000000 00000000 2b00ffff      # fip fcs foo fos
		0000000000000000 0000
		35c26821a2da0fc9 0040
		0000000000000080 ff3f
		0100000000000040 0140
		0000000000000080 ff7f
		0100000000000000 0000
		0000000000000000 0000
		0000000000000000 0000`))
}

func TestTagOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		st   string
		want uint32
	}{
		{"zero", "0000000000000000 0000", tagZero},
		{"minus zero", "0000000000000000 0080", tagZero},
		{"one", "0000000000000080 ff3f", tagValid},
		{"minus one", "0000000000000080 ffbf", tagValid},
		{"denormal", "0100000000000000 0000", tagSpecial},
		{"pseudo-denormal", "0000000000000080 0000", tagSpecial},
		{"without the integer bit", "ffffffffffffff7f 0040", tagSpecial},
		{"infinity", "0000000000000080 ff7f", tagSpecial},
		{"minus infinity", "0000000000000080 ffff", tagSpecial},
		{"not a number", "00000000000000c0 ff7f", tagSpecial},
	} {
		if got := tagOf([10]byte(unhex(tt.st))); got != tt.want {
			t.Errorf("tagOf(%s) = %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestAppendI386Notes(t *testing.T) {
	r := kernelI386
	r.XSave = &decoder.X86XSave{XStateBV: 3}
	fx := (*x86Registers)(&r).appendFPREGSET(nil)
	xstate := bytes.Join([][]byte{fx[:464], words(3), fx[472:], words(3), zeros(56)}, nil)
	tls := unhex(`
		06000000 30000000 00020000 4c494e5558000000
		0c000000 60b00408 ffff0f00 51000000
		0d000000 00000000 00000000 28000000
		0e000000 00000000 00000000 28000000`)
	checkBytes(t, "all", r.appendArchNotes(nil, nil),
		unhex("06000000 00020000 7f2be646 4c494e5558000000"), fx,
		unhex("06000000 40020000 02020000 4c494e5558000000"), xstate, tls)

	r.FP = nil
	checkBytes(t, "TLS alone", r.appendArchNotes(nil, nil), tls)
	r.TLS = r.TLS[1:]
	checkBytes(t, "empty segments", r.appendArchNotes(nil, nil))
	r.TLS = nil
	checkBytes(t, "no segments", r.appendArchNotes(nil, nil))
}
