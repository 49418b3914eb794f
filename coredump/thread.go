package coredump

import (
	"debug/elf"
	"fmt"

	"github.com/ckptfs/ckptfs/decoder"
)

// thread is a thread with registers to show.
type thread struct {
	*decoder.Thread
	registers
}

func (t thread) class() class { return classOf(t.machine()) }

// registers encodes the registers of one architecture.
type registers interface {
	machine() elf.Machine

	// appendPRREG appends pr_reg, the general registers within NT_PRSTATUS.
	appendPRREG(b []byte) []byte

	// hasFP tells whether there are floating-point registers.
	hasFP() bool

	// appendFPREGSET appends the descriptor of NT_FPREGSET.
	appendFPREGSET(b []byte) []byte

	// appendArchNotes appends the notes that other architectures do not have.
	appendArchNotes(b []byte, mm *decoder.MM) []byte
}

// threadsOf lists the threads of p that have registers, the leader first. It
// is never empty. An ELF file is for one machine, so threads of another than
// the first one's are left out.
func threadsOf(p *decoder.Process) ([]thread, error) {
	var threads []thread
	for _, t := range p.Threads {
		if t.Registers == nil {
			continue
		}
		r, err := registersOf(t.Registers)
		switch {
		case err != nil && len(threads) == 0:
			return nil, err
		case err != nil || len(threads) > 0 && r.machine() != threads[0].machine():
			continue
		}
		threads = append(threads, thread{t, r})
	}
	if len(threads) == 0 {
		return nil, &UnsupportedError{"the checkpoint has the registers of none of its threads"}
	}
	return threads, nil
}

func registersOf(r *decoder.Registers) (registers, error) {
	switch r.Arch {
	case decoder.ArchX86_64:
		return (*x86Registers)(r.X86), nil
	case decoder.ArchAArch64:
		return (*arm64Registers)(r.ARM64), nil
	case decoder.ArchI386:
		return (*i386Registers)(r.X86), nil
	default:
		return nil, &UnsupportedError{fmt.Sprintf("architecture %s is not supported", r.Arch)}
	}
}
