package procfmt

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// Syscall writes /proc/pid/syscall, or that of a thread: the system call that
// it was in with its six arguments, stack pointer and program counter, or "-1"
// with the latter two where it was in none.
//
// A call that was interrupted to be restarted has been rewound in the
// checkpoint: its registers are those right before the instruction that makes
// the call, where the kernel shows those behind it. So it is with what was
// shown of a live process.
//
// Source: fs/proc/base.c:proc_pid_syscall, lib/syscall.c:collect_syscall;
// compel/arch/x86/src/lib/infect.c:get_task_regs for the rewinding.
func Syscall(w io.Writer, r *decoder.Registers, space *memview.AddressSpace) error {
	var c call
	if r.X86 != nil {
		c = x86Call(r)
	} else {
		c = arm64Call(r.ARM64, space)
	}
	switch {
	case c.unknown:
		_, err := io.WriteString(w, "running\n")
		return err
	case c.number < 0:
		_, err := fmt.Fprintf(w, "%d %#x %#x\n", c.number, c.sp, c.pc)
		return err
	}
	a := c.args
	_, err := fmt.Fprintf(w, "%d %#x %#x %#x %#x %#x %#x %#x %#x\n", c.number, a[0], a[1], a[2], a[3], a[4], a[5], c.sp, c.pc)
	return err
}

// DeadSyscall is /proc/pid/syscall of a zombie, which has no stack.
const DeadSyscall = "-1 0x0 0x0\n"

// call is a system call; its number is negative for none.
type call struct {
	number  int32
	args    [6]uint64
	sp, pc  uint64
	unknown bool // whether there is one
}

// x86Call tells a call to be restarted by the number of the call in the place
// of its result. To be sure, rcx of a 64-bit task still holds the address
// behind the instruction, which has two bytes, as int $0x80 of 32-bit tasks has.
//
// Source: arch/x86/include/asm/syscall.h.
func x86Call(r *decoder.Registers) call {
	const instruction = 2 // bytes
	g := &r.X86.GP
	c := call{
		number: int32(g.OrigAX), sp: g.SP, pc: g.IP,
		args: [6]uint64{g.DI, g.SI, g.DX, g.R10, g.R8, g.R9},
	}
	restarted := c.number >= 0 && g.AX == g.OrigAX
	if r.Arch == decoder.ArchI386 {
		c.args = [6]uint64{g.BX, g.CX, g.DX, g.SI, g.DI, g.BP}
	} else {
		restarted = restarted && g.CX == g.IP+instruction
	}
	if restarted {
		c.pc += instruction
	}
	return c
}

// arm64Call looks at the instruction, since the registers do not tell whether
// there is a call: it is unknown where the code is not to be had.
//
// Source: arch/arm64/include/asm/syscall.h, arch/arm64/kernel/signal.c:do_signal.
func arm64Call(r *decoder.ARM64Registers, space *memview.AddressSpace) call {
	const (
		svc, svcMask = 0xd4000001, 0xffe0001f
		instruction  = 4 // bytes
	)
	c := call{number: -1, sp: r.SP, pc: r.PC}
	var code [instruction]byte
	if space == nil {
		c.unknown = true
	} else if _, err := space.ReadMem(code[:], decoder.Addr(r.PC)); err != nil {
		c.unknown = true
	} else if binary.LittleEndian.Uint32(code[:])&svcMask == svc {
		c.number, c.args, c.pc = int32(r.X[8]), [6]uint64(r.X[:6]), r.PC+instruction
	}
	return c
}
