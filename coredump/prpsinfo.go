package coredump

import (
	"bytes"

	"github.com/ckptfs/ckptfs/decoder"
)

// prpsinfo is struct elf_prpsinfo.
//
// Source: include/linux/elfcore.h:elf_prpsinfo.
type prpsinfo struct {
	State byte             //   0  index of SName in "RSDTZW"
	SName byte             //   1
	Zomb  byte             //   2  1 for a zombie
	Nice  int8             //   3
	_     [4]byte          //   4  padding
	Flag  uint64           //   8  PF_ bits
	UID   uint32           //  16
	GID   uint32           //  20
	PID   int32            //  24
	PPID  int32            //  28
	PGrp  int32            //  32
	SID   int32            //  36
	FName [16]byte         //  40  comm
	Args  [psargsSize]byte //  56
} // 136 bytes

// prpsinfo32 is struct compat_elf_prpsinfo.
//
// Source: include/linux/elfcore-compat.h.
type prpsinfo32 struct {
	State byte             //   0
	SName byte             //   1
	Zomb  byte             //   2
	Nice  int8             //   3
	Flag  uint32           //   4
	UID   uint16           //   8
	GID   uint16           //  10
	PID   int32            //  12
	PPID  int32            //  16
	PGrp  int32            //  20
	SID   int32            //  24
	FName [16]byte         //  28
	Args  [psargsSize]byte //  44
} // 124 bytes

func (i *prpsinfo) narrow() prpsinfo32 {
	return prpsinfo32{
		State: i.State,
		SName: i.SName,
		Zomb:  i.Zomb,
		Nice:  i.Nice,
		Flag:  uint32(i.Flag),
		UID:   narrowID(i.UID),
		GID:   narrowID(i.GID),
		PID:   i.PID,
		PPID:  i.PPID,
		PGrp:  i.PGrp,
		SID:   i.SID,
		FName: i.FName,
		Args:  i.Args,
	}
}

// narrowID is a user or group ID in 16 bits. One that does not fit becomes
// that of nobody; the unknown one stays so, -1.
//
// Source: include/linux/highuid.h:high2lowuid.
func narrowID(id uint32) uint16 {
	const nobody = 65534 // DEFAULT_OVERFLOWUID
	switch {
	case id == unknownID:
		return 0xffff
	case id > 0xffff:
		return nobody
	default:
		return uint16(id)
	}
}

// psargsSize is the size of pr_psargs (ELF_PRARGSZ), of which the last byte
// is a NUL.
const psargsSize = 80

// unknownID is the user or group ID of a thread whose credentials the
// checkpoint does not have: 0 would be root.
const unknownID = ^uint32(0)

// appendPRPSINFO appends the descriptor of the process's NT_PRPSINFO. leader
// is the thread whose nice value and credentials it shows; args are the
// process's arguments.
//
// A task that CRIU found alive is shown as running, R, as the kernel does: it
// writes a core while the task runs.
//
// Source: fs/binfmt_elf.c:fill_psinfo.
func appendPRPSINFO(b []byte, c class, p *decoder.Process, leader *decoder.Thread, args []byte) []byte {
	info := prpsinfo{
		State: 0,
		SName: 'R',
		Nice:  int8(leader.Nice),
		Flag:  uint64(p.Flags),
		UID:   unknownID,
		GID:   unknownID,
		PID:   int32(p.PID),
		PPID:  int32(p.PPID),
		PGrp:  int32(p.PGID),
		SID:   int32(p.SID),
	}
	if p.State == decoder.TaskStopped {
		info.State, info.SName = 3, 'T'
	}
	if c := leader.Creds; c != nil {
		info.UID, info.GID = c.UID, c.GID
	}
	copy(info.FName[:len(info.FName)-1], p.Comm)
	copy(info.Args[:len(info.Args)-1], bytes.ReplaceAll(args, []byte{0}, []byte{' '}))
	if c == class32 {
		return appendLE(b, info.narrow())
	}
	return appendLE(b, info)
}

// readArgs reads as many of the process's arguments as NT_PRPSINFO has room
// for and the checkpoint has.
func readArgs(mem Memory, mm *decoder.MM) []byte {
	if mm.ArgEnd <= mm.ArgStart {
		return nil
	}
	args := make([]byte, min(uint64(mm.ArgEnd-mm.ArgStart), psargsSize-1))
	n, _ := mem.ReadMem(args, mm.ArgStart) // what cannot be read is left out
	return args[:n]
}
