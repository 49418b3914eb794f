package coredump

import "encoding/binary"

// Offsets in an XSAVE area, in bytes.
const (
	xsaveXCR0     = 464 // in bytes that FXSAVE leaves to software; where gdb looks for XCR0
	xsaveHeader   = 512 // u64 XSTATE_BV, u64 XCOMP_BV, 48 bytes reserved
	xsaveExtended = 576
)

// xcr0Legacy are the features that every XSAVE area has: x87 and SSE.
const xcr0Legacy = 1<<0 | 1<<1

// appendXSTATE appends the descriptor of NT_X86_XSTATE, an XSAVE area in the
// standard form:
//
//	  0  u8[512]  as NT_FPREGSET, but for XCR0 at 464
//	512  u64      XSTATE_BV: the features not in their initial state
//	520  u64      XCOMP_BV: 0 for the standard form
//	528  u8[48]   reserved
//	576  ...      extended features, see the table below
//
// CRIU does not save XCR0, so it is made up of the features that are there,
// and the area ends with the last of them. Where a feature stands differs
// between processors, and debuggers tell the layout by the size. This one is
// Intel's up to Skylake, which they all know: 832 bytes with AVX, 2,688 with
// AVX-512, 2,696 with PKRU.
//
// Source: Intel SDM volume 1, chapter 13; gdb/i387-tdep.c,
// gdbsupport/x86-xstate.h.
func (r *x86Registers) appendXSTATE(b []byte) []byte {
	x := r.XSave
	features := []struct {
		bit    int // in XCR0
		offset int
		state  []byte // empty where the checkpoint does not have it
	}{
		{2, 576, appendLE(nil, x.YMMH)},      // 256 bytes
		{3, 960, appendLE(nil, x.BndRegs)},   // 64
		{4, 1024, appendLE(nil, x.BndCSR)},   // 64
		{5, 1088, appendLE(nil, x.Opmask)},   // 64
		{6, 1152, appendLE(nil, x.ZMMUpper)}, // 512
		{7, 1664, appendLE(nil, x.Hi16ZMM)},  // 1024
		{9, 2688, appendLE(nil, x.PKRU)},     // 8
	}
	area := padTo(r.appendFPREGSET(nil), xsaveExtended)
	xcr0 := uint64(xcr0Legacy)
	for _, f := range features {
		if len(f.state) > 0 {
			xcr0 |= 1 << f.bit
			area = append(padTo(area, f.offset), f.state...)
		}
	}
	binary.LittleEndian.PutUint64(area[xsaveXCR0:], xcr0)
	binary.LittleEndian.PutUint64(area[xsaveHeader:], x.XStateBV&xcr0)
	return append(b, area...)
}
