package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// Regs writes the general registers of a thread as gdb's "info registers"
// prints them, without what gdb would have to read the program for:
//
//	rax            0xfffffffffffffdfe  -514
//	rip            0x7f9418d63df2      0x7f9418d63df2
//	eflags         0x293               [ CF AF SF IF ]
//
// Source: gdb/infcmd.c:default_print_one_register_info; the types of the
// registers are those of gdb/features/i386 and aarch64.
func Regs(w io.Writer, r *decoder.Registers) error {
	b := bufio.NewWriter(w)
	for _, reg := range registerList(r) {
		fmt.Fprintf(b, "%-15s%-20s%s\n", reg.name, fmt.Sprintf("%#x", reg.value), reg.natural)
	}
	return b.Flush()
}

// register is a line of Regs.
type register struct {
	name    string
	value   uint64
	natural string // the value as gdb prints it by the register's type
}

func registerList(r *decoder.Registers) []register {
	switch r.Arch {
	case decoder.ArchX86_64:
		return amd64Registers(&r.X86.GP)
	case decoder.ArchI386:
		return i386Registers(&r.X86.GP)
	default:
		return arm64Registers(r.ARM64)
	}
}

func amd64Registers(g *decoder.X86GP) []register {
	return []register{
		signed("rax", g.AX), signed("rbx", g.BX), signed("rcx", g.CX), signed("rdx", g.DX),
		signed("rsi", g.SI), signed("rdi", g.DI), pointer("rbp", g.BP), pointer("rsp", g.SP),
		signed("r8", g.R8), signed("r9", g.R9), signed("r10", g.R10), signed("r11", g.R11),
		signed("r12", g.R12), signed("r13", g.R13), signed("r14", g.R14), signed("r15", g.R15),
		pointer("rip", g.IP), flags("eflags", g.Flags, eflags),
		signed("cs", g.CS), signed("ss", g.SS), signed("ds", g.DS), signed("es", g.ES),
		signed("fs", g.FS), signed("gs", g.GS), signed("fs_base", g.FSBase), signed("gs_base", g.GSBase),
	}
}

func i386Registers(g *decoder.X86GP) []register {
	return []register{
		signed32("eax", g.AX), signed32("ecx", g.CX), signed32("edx", g.DX), signed32("ebx", g.BX),
		pointer("esp", low32(g.SP)), pointer("ebp", low32(g.BP)), signed32("esi", g.SI), signed32("edi", g.DI),
		pointer("eip", low32(g.IP)), flags("eflags", low32(g.Flags), eflags),
		signed32("cs", g.CS), signed32("ss", g.SS), signed32("ds", g.DS), signed32("es", g.ES),
		signed32("fs", g.FS), signed32("gs", g.GS),
	}
}

func arm64Registers(r *decoder.ARM64Registers) []register {
	var list []register
	for i, x := range r.X {
		list = append(list, signed(fmt.Sprintf("x%d", i), x))
	}
	list = append(list, pointer("sp", r.SP), pointer("pc", r.PC), flags("cpsr", r.PState, cpsr))
	if r.HasFP {
		list = append(list, flags("fpsr", uint64(r.FPSR), fpsr), flags("fpcr", uint64(r.FPCR), fpcr))
	}
	return append(list, pointer("tpidr", r.TLS))
}

func signed(name string, v uint64) register {
	return register{name, v, fmt.Sprint(int64(v))}
}

func signed32(name string, v uint64) register {
	return register{name, low32(v), fmt.Sprint(int32(v))}
}

func pointer(name string, v uint64) register {
	return register{name, v, fmt.Sprintf("%#x", v)}
}

func low32(v uint64) uint64 { return v & 0xffffffff }

// bitField is a named field of a flags register: shown by its name where it
// is one bit and set, as NAME=value where it is wider.
type bitField struct {
	name  string
	shift uint
	width uint
}

func flags(name string, v uint64, fields []bitField) register {
	var b strings.Builder
	b.WriteString("[ ")
	for _, f := range fields {
		switch x := v >> f.shift & (1<<f.width - 1); {
		case f.width > 1:
			fmt.Fprintf(&b, "%s=%d ", f.name, x)
		case x != 0:
			b.WriteString(f.name + " ")
		}
	}
	b.WriteString("]")
	return register{name, v, b.String()}
}

// eflags is the EFLAGS register of x86.
var eflags = []bitField{
	{"CF", 0, 1},
	{"PF", 2, 1},
	{"AF", 4, 1},
	{"ZF", 6, 1},
	{"SF", 7, 1},
	{"TF", 8, 1},
	{"IF", 9, 1},
	{"DF", 10, 1},
	{"OF", 11, 1},
	{"NT", 14, 1},
	{"RF", 16, 1},
	{"VM", 17, 1},
	{"AC", 18, 1},
	{"VIF", 19, 1},
	{"VIP", 20, 1},
	{"ID", 21, 1},
}

// cpsr, fpsr and fpcr are the flag registers of aarch64.
var (
	cpsr = []bitField{
		{"SP", 0, 1},
		{"EL", 2, 2},
		{"nRW", 4, 1},
		{"F", 6, 1},
		{"I", 7, 1},
		{"A", 8, 1},
		{"D", 9, 1},
		{"BTYPE", 10, 2},
		{"SSBS", 12, 1},
		{"IL", 20, 1},
		{"SS", 21, 1},
		{"PAN", 22, 1},
		{"UAO", 23, 1},
		{"DIT", 24, 1},
		{"TCO", 25, 1},
		{"V", 28, 1},
		{"C", 29, 1},
		{"Z", 30, 1},
		{"N", 31, 1},
	}
	fpsr = []bitField{
		{"IOC", 0, 1},
		{"DZC", 1, 1},
		{"OFC", 2, 1},
		{"UFC", 3, 1},
		{"IXC", 4, 1},
		{"IDC", 7, 1},
		{"QC", 27, 1},
		{"V", 28, 1},
		{"C", 29, 1},
		{"Z", 30, 1},
		{"N", 31, 1},
	}
	fpcr = []bitField{
		{"FIZ", 0, 1},
		{"AH", 1, 1},
		{"NEP", 2, 1},
		{"IOE", 8, 1},
		{"DZE", 9, 1},
		{"OFE", 10, 1},
		{"UFE", 11, 1},
		{"IXE", 12, 1},
		{"EBF", 13, 1},
		{"IDE", 15, 1},
		{"Len", 16, 3},
		{"FZ16", 19, 1},
		{"Stride", 20, 2},
		{"RMode", 22, 2},
		{"FZ", 24, 1},
		{"DN", 25, 1},
		{"AHP", 26, 1},
	}
)
