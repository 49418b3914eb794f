package coredump

import (
	"debug/elf"

	"github.com/ckptfs/ckptfs/decoder"
)

// x86Registers encodes the registers of an x86-64 thread.
type x86Registers decoder.X86Registers

func (r *x86Registers) machine() elf.Machine { return elf.EM_X86_64 }

// appendPRREG appends struct user_regs_struct, which [decoder.X86GP] mirrors:
// 27 registers.
//
// Source: arch/x86/include/asm/user_64.h.
func (r *x86Registers) appendPRREG(b []byte) []byte { return appendLE(b, r.GP) }

func (r *x86Registers) hasFP() bool { return r.FP != nil }

// appendFPREGSET appends the image that FXSAVE writes, which [decoder.X86FP]
// mirrors up to offset 416:
//
//	  0  u16      cwd, swd, twd (abridged), fop
//	  8  u64      rip, rdp
//	 24  u32      mxcsr, mxcsr_mask
//	 32  u32[32]  st_space: st0 to st7
//	160  u32[64]  xmm_space: xmm0 to xmm15
//	416  u32[24]  reserved
//
// Source: arch/x86/include/asm/user_64.h:user_i387_struct.
func (r *x86Registers) appendFPREGSET(b []byte) []byte {
	b = appendLE(b, r.FP)
	return appendLE(b, [24]uint32{})
}

func (r *x86Registers) appendArchNotes(b []byte, _ *decoder.MM) []byte {
	if r.FP == nil || r.XSave == nil {
		return b
	}
	return appendNote(b, ownerLinux, ntX86XState, r.appendXSTATE(nil))
}
