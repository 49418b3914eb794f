package coredump

import "encoding/binary"

// fsave is struct user_i387_ia32_struct, the image that FSAVE writes.
//
// Source: arch/x86/include/asm/user32.h.
type fsave struct {
	CWD uint32      //   0  upper halves of this and the next two: all ones
	SWD uint32      //   4
	TWD uint32      //   8  2 bits for each physical register
	FIP uint32      //  12
	FCS uint32      //  16
	FOO uint32      //  20
	FOS uint32      //  24  upper half: all ones
	ST  [8][10]byte //  28  st0 to st7
} // 108 bytes

// fsaveOnes is what the upper half of a word is filled with.
const fsaveOnes = 0xffff0000

// fsave converts the registers from the form of FXSAVE, as the kernel does.
// A 64-bit kernel does not know the segments of the last instruction and
// operand; it gives the thread's.
//
// Source: arch/x86/kernel/fpu/regset.c:__convert_from_fxsr.
func (r *i386Registers) fsave() fsave {
	f := fsave{
		CWD: fsaveOnes | uint32(r.FP.CWD),
		SWD: fsaveOnes | uint32(r.FP.SWD),
		TWD: fsaveOnes,
		FIP: uint32(r.FP.RIP),
		FCS: uint32(r.GP.CS),
		FOO: uint32(r.FP.RDP),
		FOS: fsaveOnes | uint32(r.GP.DS),
	}
	for i := range f.ST {
		st := r.FP.ST[4*i:]
		binary.LittleEndian.PutUint32(f.ST[i][0:], st[0])
		binary.LittleEndian.PutUint32(f.ST[i][4:], st[1])
		binary.LittleEndian.PutUint16(f.ST[i][8:], uint16(st[2]))
	}
	top := int(r.FP.SWD >> 11 & 7) // the physical register that is st0
	for physical := range 8 {
		tag := tagEmpty
		if r.FP.TWD>>physical&1 != 0 {
			tag = tagOf(f.ST[(physical-top)&7])
		}
		f.TWD |= tag << (2 * physical)
	}
	return f
}

// Tags of a register.
//
// Source: Intel SDM volume 1, section 8.1.7.
const (
	tagValid   = uint32(0)
	tagZero    = uint32(1)
	tagSpecial = uint32(2) // infinite, denormal, not a number
	tagEmpty   = uint32(3)
)

// tagOf is the tag of a register that is not empty. The sign does not matter.
//
// Source: arch/x86/kernel/fpu/regset.c:twd_fxsr_to_i387.
func tagOf(st [10]byte) uint32 {
	significand := binary.LittleEndian.Uint64(st[:])
	switch exponent := binary.LittleEndian.Uint16(st[8:]) & 0x7fff; {
	case exponent == 0 && significand == 0:
		return tagZero
	case exponent == 0, exponent == 0x7fff, significand>>63 == 0:
		return tagSpecial
	default:
		return tagValid
	}
}
