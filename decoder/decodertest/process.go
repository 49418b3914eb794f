package decodertest

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	core_x86 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-x86"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	criu_mm "github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/rlimit"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Process is a process as values. Its registers are r12 = its TID, and 0.
type Process struct {
	PID, PPID int
	Threads   []int // TIDs beside the leader's
	Comm      string
	Dead      bool
	Compat    bool   // a 32-bit task
	PageSize  uint64 // 0: 4096
	Exe       uint32 // file id of the executable; 0: 1
	VMAs      []VMA
	Runs      []Run
	OldRuns   bool // a pagemap as CRIU before 4.2 wrote it
	Args, Env decoder.Range
}

// VMA is a mapping. Status 0 and Flags 0 stand for private anonymous memory.
type VMA struct {
	Start, End uint64
	Prot       decoder.Prot
	Flags      decoder.MapFlags
	Status     decoder.VMAStatus
	PgOff      uint64
	ShmID      uint64
}

// Run is a page run. If it is present, Data is its pages, repeated to fill
// them.
type Run struct {
	Addr  uint64
	Pages int
	Flags criu.PageFlags
	Data  []byte
}

// images adds the images of p, whose pages have that id, to m.
func (p Process) images(m map[string][]byte, pagesID int) {
	state := uint32(decoder.TaskAlive)
	if p.Dead {
		state = uint32(decoder.TaskDead)
	}
	tc := &criu_core.TaskCoreEntry{
		TaskState: proto.Uint32(state), ExitCode: proto.Uint32(0), Personality: proto.Uint32(0),
		Flags: proto.Uint32(0), BlkSigset: proto.Uint64(0), Comm: proto.String(p.Comm),
		Rlimits: new(criu_core.TaskRlimitsEntry),
	}
	for range 16 { // RLIM_NLIMITS
		tc.Rlimits.Rlimits = append(tc.Rlimits.Rlimits, &rlimit.RlimitEntry{Cur: proto.Uint64(1024), Max: proto.Uint64(math.MaxUint64)})
	}
	leader := &criu_core.CoreEntry{Mtype: criu_core.CoreEntry_X86_64.Enum(), Tc: tc}
	core := func(tid int) string { return fmt.Sprintf("checkpoint/core-%d.img", tid) }
	if p.Dead {
		m[core(p.PID)] = Image(criu.MagicCore, leader)
		return
	}
	leader.ThreadInfo, leader.ThreadCore = registers(p.PID), threadCore(p.Comm)
	if p.Compat {
		leader.ThreadInfo.Gpregs.Mode = core_x86.UserX86RegsMode_COMPAT.Enum()
	}
	m[core(p.PID)] = Image(criu.MagicCore, leader)
	for _, tid := range p.Threads {
		m[core(tid)] = Image(criu.MagicCore, &criu_core.CoreEntry{
			Mtype: criu_core.CoreEntry_X86_64.Enum(), ThreadInfo: registers(tid), ThreadCore: threadCore(p.Comm),
		})
	}
	m[fmt.Sprintf("checkpoint/fs-%d.img", p.PID)] = fsImage()
	m[fmt.Sprintf("checkpoint/ids-%d.img", p.PID)] = Image(criu.MagicIDs, &criu_core.TaskKobjIdsEntry{
		VmId: proto.Uint32(1), FilesId: proto.Uint32(1), FsId: proto.Uint32(1), SighandId: proto.Uint32(1),
	})
	m[fmt.Sprintf("checkpoint/mm-%d.img", p.PID)] = p.mm()
	m[fmt.Sprintf("checkpoint/pagemap-%d.img", p.PID)] = Pagemap(uint32(pagesID), p.OldRuns, p.Runs...)
	m[fmt.Sprintf("checkpoint/pages-%d.img", pagesID)] = p.pages()
}

func (p Process) pageSize() uint64 {
	if p.PageSize == 0 {
		return 4096
	}
	return p.PageSize
}

func (p Process) mm() []byte {
	const atPageSize = 6
	e := &criu_mm.MmEntry{
		MmArgStart: proto.Uint64(uint64(p.Args.Start)), MmArgEnd: proto.Uint64(uint64(p.Args.End)),
		MmEnvStart: proto.Uint64(uint64(p.Env.Start)), MmEnvEnd: proto.Uint64(uint64(p.Env.End)),
		ExeFileId:   proto.Uint32(max(p.Exe, 1)),
		MmSavedAuxv: []uint64{atPageSize, p.pageSize()},
	}
	if p.Compat {
		e.MmSavedAuxv = []uint64{atPageSize | p.pageSize()<<32}
	}
	for _, f := range []**uint64{
		&e.MmStartCode, &e.MmEndCode, &e.MmStartData, &e.MmEndData, &e.MmStartStack, &e.MmStartBrk, &e.MmBrk,
	} {
		*f = proto.Uint64(0)
	}
	for _, v := range p.VMAs {
		if v.Status == 0 {
			v.Status = decoder.StatusRegular | decoder.StatusAnonPrivate
		}
		if v.Flags == 0 {
			v.Flags = decoder.MapPrivate | decoder.MapAnonymous
		}
		e.Vmas = append(e.Vmas, &vma.VmaEntry{
			Start: proto.Uint64(v.Start), End: proto.Uint64(v.End), Pgoff: proto.Uint64(v.PgOff), Shmid: proto.Uint64(v.ShmID),
			Prot: proto.Uint32(uint32(v.Prot)), Flags: proto.Uint32(uint32(v.Flags)), Status: proto.Uint32(uint32(v.Status)),
			Fd: proto.Int64(-1),
		})
	}
	return Image(criu.MagicMM, e)
}

func (p Process) pages() []byte {
	var b []byte
	for _, r := range p.Runs {
		if r.Flags&criu.PagePresent == 0 {
			continue
		}
		end := len(b) + r.Pages*int(p.pageSize())
		for len(b) < end {
			data := r.Data
			if len(data) == 0 {
				data = make([]byte, p.pageSize())
			}
			b = append(b, data[:min(len(data), end-len(b))]...)
		}
	}
	return b
}

func threadCore(comm string) *criu_core.ThreadCoreEntry {
	id := func() *uint32 { return proto.Uint32(1000) }
	return &criu_core.ThreadCoreEntry{
		FutexRla: proto.Uint64(0), FutexRlaLen: proto.Uint32(0), Comm: proto.String(comm),
		Creds: &creds.CredsEntry{
			Uid: id(), Gid: id(), Euid: id(), Egid: id(), Suid: id(), Sgid: id(), Fsuid: id(), Fsgid: id(),
			Secbits: proto.Uint32(0),
		},
	}
}

func registers(tid int) *core_x86.ThreadInfoX86 {
	g := new(core_x86.UserX86RegsEntry)
	for _, f := range []**uint64{
		&g.R15, &g.R14, &g.R13, &g.R12, &g.Bp, &g.Bx, &g.R11, &g.R10, &g.R9, &g.R8, &g.Ax, &g.Cx, &g.Dx, &g.Si, &g.Di,
		&g.OrigAx, &g.Ip, &g.Cs, &g.Flags, &g.Sp, &g.Ss, &g.FsBase, &g.GsBase, &g.Ds, &g.Es, &g.Fs, &g.Gs,
	} {
		*f = proto.Uint64(0)
	}
	*g.R12 = uint64(tid)
	zero := func() *uint32 { return proto.Uint32(0) }
	return &core_x86.ThreadInfoX86{
		ClearTidAddr: proto.Uint64(0), Gpregs: g,
		Fpregs: &core_x86.UserX86FpregsEntry{
			Cwd: zero(), Swd: zero(), Twd: zero(), Fop: zero(), Rip: proto.Uint64(0), Rdp: proto.Uint64(0),
			Mxcsr: zero(), MxcsrMask: zero(), StSpace: make([]uint32, 32), XmmSpace: make([]uint32, 64),
		},
	}
}
