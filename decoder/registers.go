package decoder

// Arch is the architecture of a checkpointed task, which need not be that of
// the machine that reads the checkpoint.
type Arch uint8

// The architectures whose registers are decoded.
const (
	ArchUnknown Arch = iota
	ArchX86_64
	ArchI386 // a 32-bit task under an x86-64 kernel
	ArchAArch64
)

// String is the name of the architecture as uname -m prints it.
func (a Arch) String() string {
	switch a {
	case ArchX86_64:
		return "x86_64"
	case ArchI386:
		return "i386"
	case ArchAArch64:
		return "aarch64"
	default:
		return "unknown"
	}
}

// Registers is the state of a thread's processor: X86 for ArchX86_64 and
// ArchI386, ARM64 for ArchAArch64.
type Registers struct {
	Arch  Arch
	X86   *X86Registers
	ARM64 *ARM64Registers
}

// X86Registers is the state of an x86 thread.
//
// Source: the thread_info_x86 message in core-<tid>.img.
type X86Registers struct {
	GP    X86GP
	FP    *X86FP    // nil where the image has none
	XSave *X86XSave // nil on processors without XSAVE
	TLS   []X86Segment
}

// X86Segment is a segment of thread-local storage, an entry of the GDT.
// Threads of 32-bit tasks have three. The fields are in the order of the
// kernel's struct user_desc (arch/x86/include/uapi/asm/ldt.h), so that
// binary.Write of them is an NT_386_TLS note.
type X86Segment struct {
	Entry, Base, Limit uint32
	Flags              uint32 // bit-fields from seg_32bit up
}

// X86GP are the general registers in the order of the kernel's struct
// user_regs_struct (arch/x86/include/asm/user_64.h), so that binary.Write of
// it is the pr_reg of an NT_PRSTATUS note.
type X86GP struct {
	R15, R14, R13, R12, BP, BX, R11, R10, R9, R8 uint64
	AX, CX, DX, SI, DI, OrigAX                   uint64
	IP, CS, Flags, SP, SS                        uint64
	FSBase, GSBase, DS, ES, FS, GS               uint64
}

// X86FP is the legacy region of the FXSAVE image.
type X86FP struct {
	CWD, SWD, TWD, FOP uint16 // TWD is the abridged tag word
	RIP, RDP           uint64
	MXCSR, MXCSRMask   uint32
	ST                 [32]uint32 // eight registers of 16 bytes
	XMM                [64]uint32 // sixteen registers of 16 bytes
}

// X86XSave are the features of the extended state. A feature that the image
// does not have has length 0; otherwise it has the length given here, in
// elements.
type X86XSave struct {
	XStateBV uint64
	YMMH     []uint32 // 64: upper halves of ymm0 to ymm15
	BndRegs  []uint64 // 8
	BndCSR   []uint64 // 8
	Opmask   []uint64 // 8: k0 to k7
	ZMMUpper []uint64 // 64: upper halves of zmm0 to zmm15
	Hi16ZMM  []uint64 // 128: zmm16 to zmm31
	PKRU     []uint32 // 2: the register and padding
}

// ARM64Registers is the state of an aarch64 thread.
//
// Source: the thread_info_aarch64 message in core-<tid>.img.
type ARM64Registers struct {
	X              [31]uint64
	SP, PC, PState uint64
	V              [64]uint64 // v0 to v31, low half first
	HasFP          bool       // V, FPSR and FPCR are in the image
	FPSR, FPCR     uint32
	TLS            uint64 // tpidr_el0
}
