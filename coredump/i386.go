package coredump

import (
	"debug/elf"
	"slices"

	"github.com/ckptfs/ckptfs/decoder"
)

// i386Registers encodes the registers of a 32-bit thread under an x86-64
// kernel.
type i386Registers decoder.X86Registers

func (r *i386Registers) machine() elf.Machine { return elf.EM_386 }

// appendPRREG appends struct user_regs_struct32: 17 registers of 32 bits.
//
// Source: arch/x86/include/asm/user32.h.
func (r *i386Registers) appendPRREG(b []byte) []byte {
	g := &r.GP
	return class32.appendWords(b, g.BX, g.CX, g.DX, g.SI, g.DI, g.BP, g.AX, g.DS, g.ES, g.FS, g.GS,
		g.OrigAX, g.IP, g.CS, g.Flags, g.SP, g.SS)
}

func (r *i386Registers) hasFP() bool { return r.FP != nil }

// appendFPREGSET appends the image that FSAVE writes.
func (r *i386Registers) appendFPREGSET(b []byte) []byte { return appendLE(b, r.fsave()) }

// appendArchNotes appends NT_PRXFPREG, the image that FXSAVE writes, and
// NT_X86_XSTATE, both as for 64 bits, and NT_386_TLS where the thread has a
// segment that is not empty.
//
// Source: arch/x86/kernel/ptrace.c:x86_32_regsets.
func (r *i386Registers) appendArchNotes(b []byte, mm *decoder.MM) []byte {
	wide := (*x86Registers)(r)
	if r.FP != nil {
		b = appendNote(b, ownerLinux, ntPRXFPREG, wide.appendFPREGSET(nil))
	}
	b = wide.appendArchNotes(b, mm)
	if !slices.ContainsFunc(r.TLS, segmentUsed) {
		return b
	}
	return appendNote(b, ownerLinux, nt386TLS, appendLE(nil, r.TLS))
}

// segmentUsed tells a segment from an empty one, as get_thread_area(2) shows
// it: read_exec_only and seg_not_present.
//
// Source: arch/x86/kernel/tls.c:regset_tls_active, fill_user_desc.
func segmentUsed(s decoder.X86Segment) bool {
	return s != decoder.X86Segment{Entry: s.Entry, Flags: 1<<3 | 1<<5}
}
