package coredump

import (
	"debug/elf"

	"github.com/ckptfs/ckptfs/decoder"
)

// Types of notes that debug/elf does not name, from include/uapi/linux/elf.h.
const (
	ntSigInfo    elf.NType = 0x53494749 // NT_SIGINFO, "SIGI"
	ntAuxv       elf.NType = 6          // NT_AUXV
	ntFile       elf.NType = 0x46494c45 // NT_FILE, "FILE"
	ntPRXFPREG   elf.NType = 0x46e62b7f // NT_PRXFPREG
	nt386TLS     elf.NType = 0x200      // NT_386_TLS
	ntGNUBuildID elf.NType = 3          // NT_GNU_BUILD_ID
	ntX86XState  elf.NType = 0x202      // NT_X86_XSTATE
	ntARMTLS     elf.NType = 0x401      // NT_ARM_TLS
	ntARMPACMask elf.NType = 0x406      // NT_ARM_PAC_MASK
)

// Owners of notes. What only one architecture has is Linux's.
const (
	ownerCore  = "CORE"
	ownerLinux = "LINUX"
)

// sigInfoSize is the size of siginfo_t in bytes (SI_MAX_SIZE).
const sigInfoSize = 128

// notes are the notes of a core file, in the kernel's order. A thread's begin
// with its NT_PRSTATUS, and debuggers start out in the first thread:
//
//	leader   PRSTATUS PRPSINFO SIGINFO AUXV FILE FPREGSET ...
//	others   PRSTATUS FPREGSET ...
//
// where ... are the notes of the architecture.
//
// Source: fs/binfmt_elf.c:write_note_info.
type notes struct {
	process *decoder.Process
	threads []thread
	args    []byte // for NT_PRPSINFO; how many they are does not change the size of the notes
}

// appendTo appends all notes.
func (n *notes) appendTo(b []byte) []byte {
	p, c := n.process, n.threads[0].class()
	for i, t := range n.threads {
		b = appendNote(b, ownerCore, elf.NT_PRSTATUS, appendPRSTATUS(nil, p, t))
		if i == 0 {
			b = appendNote(b, ownerCore, elf.NT_PRPSINFO, appendPRPSINFO(nil, c, p, t.Thread, n.args))
			b = appendNote(b, ownerCore, ntSigInfo, make([]byte, sigInfoSize))
			b = appendNote(b, ownerCore, ntAuxv, appendAUXV(nil, c, p.MM.Auxv))
			b = appendNote(b, ownerCore, ntFile, appendFILE(nil, c, p.MM))
		}
		if t.hasFP() {
			b = appendNote(b, ownerCore, elf.NT_FPREGSET, t.appendFPREGSET(nil))
		}
		b = t.appendArchNotes(b, p.MM)
	}
	return b
}

// appendNote appends a note: its header, its owner's name and its descriptor,
// both of these padded to 4 bytes. The sizes in the header do not count the
// padding.
//
//	 0  u32     n_namesz, with the NUL
//	 4  u32     n_descsz
//	 8  u32     n_type
//	12  char[]  name, NUL, padding
//	    u8[]    descriptor, padding
//
// Source: elf(5), fs/binfmt_elf.c:writenote.
func appendNote(b []byte, owner string, typ elf.NType, desc []byte) []byte {
	b = appendLE(b, [3]uint32{uint32(len(owner) + 1), uint32(len(desc)), uint32(typ)})
	b = append(b, owner...)
	b = append(b, 0)
	b = pad4(b)
	b = append(b, desc...)
	return pad4(b)
}

// pad4 appends zeros up to a multiple of 4. The notes begin at one.
func pad4(b []byte) []byte { return padTo(b, int(roundUp(int64(len(b)), 4))) }
