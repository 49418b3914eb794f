package coredump

import (
	"debug/elf"
	"math/bits"

	"github.com/ckptfs/ckptfs/decoder"
)

// arm64Registers encodes the registers of an aarch64 thread.
type arm64Registers decoder.ARM64Registers

func (r *arm64Registers) machine() elf.Machine { return elf.EM_AARCH64 }

// appendPRREG appends struct user_pt_regs: x0 to x30, sp, pc, pstate.
//
// Source: arch/arm64/include/uapi/asm/ptrace.h.
func (r *arm64Registers) appendPRREG(b []byte) []byte {
	b = appendLE(b, r.X)
	return appendLE(b, [3]uint64{r.SP, r.PC, r.PState})
}

func (r *arm64Registers) hasFP() bool { return r.HasFP }

// appendFPREGSET appends struct user_fpsimd_state:
//
//	  0  u64[64]  v0 to v31, low half first
//	512  u32      fpsr, fpcr
//	520  u32[2]   reserved
//
// Source: arch/arm64/include/uapi/asm/ptrace.h.
func (r *arm64Registers) appendFPREGSET(b []byte) []byte {
	b = appendLE(b, r.V)
	return appendLE(b, [4]uint32{r.FPSR, r.FPCR})
}

// appendArchNotes appends NT_ARM_TLS (tpidr_el0 and tpidr2_el0, which CRIU
// does not save) and, where the process may sign its return addresses,
// NT_ARM_PAC_MASK: the bits of data and of code pointers that hold the
// signature. Without the mask gdb's backtrace ends at the first signed
// address.
//
// Source: arch/arm64/kernel/ptrace.c:tls_get, pac_mask_get.
func (r *arm64Registers) appendArchNotes(b []byte, mm *decoder.MM) []byte {
	b = appendNote(b, ownerLinux, ntARMTLS, appendLE(nil, [2]uint64{r.TLS, 0}))
	if hwcap, _ := mm.Auxval(atHWCap); hwcap&hwcapPACA != 0 {
		mask := pacMask(mm)
		b = appendNote(b, ownerLinux, ntARMPACMask, appendLE(nil, [2]uint64{mask, mask}))
	}
	return b
}

// hwcapPACA in AT_HWCAP says that the processor can sign pointers
// (arch/arm64/include/uapi/asm/hwcap.h:HWCAP_PACA).
const hwcapPACA = 1 << 30

// pacMask is the mask of the bits that hold a pointer's signature: from the
// first one above an address up to 54. Bit 55 and those above select the
// kernel's half and the tag.
//
// How many bits an address has is a setting of the kernel that is not in the
// checkpoint. The stack lies at the top of the address space, so it is the
// least number that the highest address fits into. A kernel with 52 bits
// places it as with 48.
//
// Source: arch/arm64/include/asm/pointer_auth.h:ptrauth_user_pac_mask.
func pacMask(mm *decoder.MM) uint64 {
	const top = 1 << 55
	var highest decoder.Addr
	if n := len(mm.VMAs); n > 0 {
		highest = mm.VMAs[n-1].End - 1
	}
	for _, addressBits := range []int{39, 42, 47, 48} {
		if bits.Len64(uint64(highest)) <= addressBits {
			return top - 1<<addressBits
		}
	}
	return top - 1<<52
}
