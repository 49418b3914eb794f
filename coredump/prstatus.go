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

// prstatus32 is struct compat_elf_prstatus up to pr_reg.
//
// Source: include/linux/elfcore-compat.h.
type prstatus32 struct {
	_       [3]int32  //   0  si_signo, si_code, si_errno
	_       int16     //  12  pr_cursig
	_       [2]byte   //  14  padding
	SigPend uint32    //  16  signals 1 to 32, as the next
	SigHold uint32    //  20
	PID     int32     //  24
	PPID    int32     //  28
	PGrp    int32     //  32
	SID     int32     //  36
	_       [8]uint32 //  40  times
} // 72 bytes

func (s *prstatus) narrow() prstatus32 {
	return prstatus32{
		SigPend: uint32(s.SigPend),
		SigHold: uint32(s.SigHold),
		PID:     s.PID,
		PPID:    s.PPID,
		PGrp:    s.PGrp,
		SID:     s.SID,
	}
}

// appendPRSTATUS appends the descriptor of a thread's NT_PRSTATUS:
//
//	0  prstatus    112 bytes, or the 72 of prstatus32
//	   pr_reg      27 registers of 8 bytes on x86-64, 34 on aarch64;
//	               17 of 4 bytes on i386
//	   pr_fpvalid  i32: NT_FPREGSET follows; padded to a word
//
// PIDs are those of the container.
//
// Source: fs/binfmt_elf.c:fill_prstatus, fill_thread_core_info.
func appendPRSTATUS(b []byte, p *decoder.Process, t thread) []byte {
	s := prstatus{
		SigPend: t.SigPend,
		SigHold: t.SigBlock,
		PID:     int32(t.TID),
		PPID:    int32(p.PPID),
		PGrp:    int32(p.PGID),
		SID:     int32(p.SID),
	}
	if t.class() == class32 {
		b = appendLE(b, s.narrow())
	} else {
		b = appendLE(b, s)
	}
	b = t.appendPRREG(b)
	var valid uint64
	if t.hasFP() {
		valid = 1
	}
	return t.class().appendWords(b, valid)
}
