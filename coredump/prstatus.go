package coredump

import "github.com/ckptfs/ckptfs/decoder"

// prstatus is struct elf_prstatus up to pr_reg, whose size is that of the
// architecture's registers. What CRIU does not save is blank, and 0.
//
// Source: include/linux/elfcore.h:elf_prstatus_common.
type prstatus struct {
	_       [3]int32  //   0  si_signo, si_code, si_errno: no signal
	_       int16     //  12  pr_cursig
	_       [2]byte   //  14  padding
	SigPend uint64    //  16
	SigHold uint64    //  24
	PID     int32     //  32  TID of the thread
	PPID    int32     //  36
	PGrp    int32     //  40
	SID     int32     //  44
	_       [4]uint64 //  48  pr_utime, pr_stime: seconds and microseconds each
	_       [4]uint64 //  80  pr_cutime, pr_cstime
} // 112 bytes

// appendPRSTATUS appends the descriptor of a thread's NT_PRSTATUS:
//
//	  0  prstatus
//	112  pr_reg      27 registers of 8 bytes on x86-64, 34 on aarch64
//	     pr_fpvalid  i32: NT_FPREGSET follows
//	     padding     i32
//
// PIDs are those of the container.
//
// Source: fs/binfmt_elf.c:fill_prstatus, fill_thread_core_info.
func appendPRSTATUS(b []byte, p *decoder.Process, t thread) []byte {
	b = appendLE(b, prstatus{
		SigPend: t.SigPend,
		SigHold: t.SigBlock,
		PID:     int32(t.TID),
		PPID:    int32(p.PPID),
		PGrp:    int32(p.PGID),
		SID:     int32(p.SID),
	})
	b = t.appendPRREG(b)
	var valid int32
	if t.hasFP() {
		valid = 1
	}
	return appendLE(b, [2]int32{valid, 0})
}
