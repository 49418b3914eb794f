package decoder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	core_aarch64 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-aarch64"
	core_x86 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-x86"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/siginfo"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

func (l *loader) core(tid int) (*criu_core.CoreEntry, error) {
	return one[criu_core.CoreEntry](l.images, l.name("core-%d.img", tid), criu.MagicCore)
}

// taskCore fills in what the leader's core image says of the whole process.
func (l *loader) taskCore(p *Process, m *criu_core.CoreEntry) {
	tc := m.GetTc()
	if tc == nil {
		l.warn.Addf("process %d: %s: nothing about the process as a whole", p.PID, l.name("core-%d.img", p.PID))
		return
	}
	p.State = TaskState(tc.GetTaskState())
	p.ExitCode = tc.GetExitCode()
	p.Comm = clipComm(tc.GetComm())
	p.Flags = tc.GetFlags()
	p.Personality = tc.GetPersonality()
	if p.State == TaskStopped {
		p.ExitCode = tc.GetStopSigno()
	}
	p.LoginUID = noLoginUID
	if tc.Loginuid != nil {
		p.LoginUID = tc.GetLoginuid()
	}
	p.OOMScoreAdj = int(tc.GetOomScoreAdj())
	p.Timers = posixTimers(tc)
	p.Rlimits = rlimits(tc.GetRlimits())
	if !p.State.Dead() {
		p.Signals = l.signalActions(p.PID, tc)
	}
}

// noLoginUID says that nobody logged in (include/uapi/linux/audit.h:AUDIT_UID_UNSET).
const noLoginUID = ^uint32(0)

// threads decodes the threads of a process, the leader first. leader is nil
// where its core image is unusable.
func (l *loader) threads(p *Process, tids []uint32, leader *criu_core.CoreEntry) {
	if leader != nil {
		t := l.thread(p.PID, leader)
		if tc := leader.GetTc(); tc != nil {
			t.Comm = clipComm(tc.GetComm())
			t.SigBlock = tc.GetBlkSigset()
			t.SigShared = pending(tc.GetSignalsS())
		}
		p.Threads = append(p.Threads, t)
	}
	for _, n := range tids {
		tid := int(n)
		if tid == p.PID {
			continue
		}
		if !l.newTask(n) {
			l.warn.Addf("process %d: thread %d: impossible or repeated TID, left out", p.PID, tid)
			continue
		}
		m, err := l.core(tid)
		if err != nil {
			l.warn.Add(fmt.Errorf("process %d, thread %d: %w", p.PID, tid, err))
			continue
		}
		t := l.thread(tid, m)
		if leader != nil && p.Threads[0].Seccomp.all {
			t.Seccomp = p.Threads[0].Seccomp
		}
		p.Threads = append(p.Threads, t)
	}
}

func (l *loader) thread(tid int, m *criu_core.CoreEntry) *Thread {
	tc := m.GetThreadCore()
	t := &Thread{
		TID:      tid,
		Comm:     clipComm(tc.GetComm()),
		Nice:     int(tc.GetSchedNice()),
		Policy:   tc.GetSchedPolicy(),
		Priority: tc.GetSchedPrio(),
		Seccomp:  l.seccompOf(tc, m.GetTc()),
		Cgroups:  l.cgroupsOf(tc, m.GetTc()),
		SigBlock: tc.GetBlkSigset(),
		SigPend:  pending(tc.GetSignalsP()),
		Creds:    credentials(tc.GetCreds()),
	}
	regs, err := registers(m)
	if err != nil {
		l.warn.Addf("thread %d: %s: %w", tid, l.name("core-%d.img", tid), err)
	}
	t.Registers = regs
	return t
}

// clipComm keeps what the kernel has room for: 15 bytes and a NUL
// (include/linux/sched.h:TASK_COMM_LEN). It is a copy, for of a hostile image
// the rest can be long.
func clipComm(comm string) string {
	comm = cText(comm)
	return strings.Clone(comm[:min(len(comm), 15)])
}

// pending is the signal set of a queue of siginfo_t, which begin with si_signo.
func pending(q *siginfo.SignalQueueEntry) (set uint64) {
	for _, s := range q.GetSignals() {
		info := s.GetSiginfo()
		if len(info) < 4 {
			continue
		}
		if signo := binary.LittleEndian.Uint32(info); signo >= 1 && signo <= 64 {
			set |= 1 << (signo - 1)
		}
	}
	return set
}

// maxGroups is include/uapi/linux/limits.h:NGROUPS_MAX.
const maxGroups = 65536

func credentials(m *creds.CredsEntry) *Creds {
	if m == nil || len(m.GetGroups()) > maxGroups {
		return nil
	}
	noNewPrivs, ambient := newerCreds(m)
	return &Creds{
		UID: m.GetUid(), EUID: m.GetEuid(), SUID: m.GetSuid(), FSUID: m.GetFsuid(),
		GID: m.GetGid(), EGID: m.GetEgid(), SGID: m.GetSgid(), FSGID: m.GetFsgid(),
		Groups: m.GetGroups(),

		CapInheritable: capabilities(m.GetCapInh()), CapPermitted: capabilities(m.GetCapPrm()),
		CapEffective: capabilities(m.GetCapEff()), CapBounding: capabilities(m.GetCapBnd()),
		CapAmbient: ambient, NoNewPrivs: noNewPrivs, LSMProfile: m.GetLsmProfile(),
	}
}

// registers decodes the registers of a thread. The error may come beside a
// usable result, when only a part of them is damaged.
func registers(m *criu_core.CoreEntry) (*Registers, error) {
	switch {
	case m.GetMtype() == criu_core.CoreEntry_X86_64 && m.GetThreadInfo() != nil:
		return x86Registers(m.GetThreadInfo())
	case m.GetMtype() == criu_core.CoreEntry_AARCH64 && m.GetTiAarch64() != nil:
		return arm64Registers(m.GetTiAarch64())
	case m.GetMtype() == criu_core.CoreEntry_X86_64, m.GetMtype() == criu_core.CoreEntry_AARCH64:
		return nil, errors.New("no registers")
	default:
		return nil, fmt.Errorf("registers of a %v, which are not supported", m.GetMtype())
	}
}

func x86Registers(m *core_x86.ThreadInfoX86) (*Registers, error) {
	g := m.GetGpregs()
	regs := &X86Registers{GP: X86GP{
		R15: g.GetR15(), R14: g.GetR14(), R13: g.GetR13(), R12: g.GetR12(), BP: g.GetBp(), BX: g.GetBx(),
		R11: g.GetR11(), R10: g.GetR10(), R9: g.GetR9(), R8: g.GetR8(),
		AX: g.GetAx(), CX: g.GetCx(), DX: g.GetDx(), SI: g.GetSi(), DI: g.GetDi(), OrigAX: g.GetOrigAx(),
		IP: g.GetIp(), CS: g.GetCs(), Flags: g.GetFlags(), SP: g.GetSp(), SS: g.GetSs(),
		FSBase: g.GetFsBase(), GSBase: g.GetGsBase(), DS: g.GetDs(), ES: g.GetEs(), FS: g.GetFs(), GS: g.GetGs(),
	}, TLS: x86TLS(m.GetTls())}
	arch := ArchX86_64
	if g.GetMode() == core_x86.UserX86RegsMode_COMPAT {
		arch = ArchI386
	}
	f := m.GetFpregs()
	if len(f.GetStSpace()) != 32 || len(f.GetXmmSpace()) != 64 {
		return &Registers{Arch: arch, X86: regs}, fmt.Errorf("floating-point registers of %d and %d words, want 32 and 64",
			len(f.GetStSpace()), len(f.GetXmmSpace()))
	}
	regs.FP = &X86FP{
		CWD: uint16(f.GetCwd()), SWD: uint16(f.GetSwd()), TWD: uint16(f.GetTwd()), FOP: uint16(f.GetFop()),
		RIP: f.GetRip(), RDP: f.GetRdp(), MXCSR: f.GetMxcsr(), MXCSRMask: f.GetMxcsrMask(),
		ST: [32]uint32(f.GetStSpace()), XMM: [64]uint32(f.GetXmmSpace()),
	}
	xsave, err := x86XSave(f.GetXsave())
	regs.XSave = xsave
	return &Registers{Arch: arch, X86: regs}, err
}

// x86TLS decodes the segments of thread-local storage, of which a thread has
// no more than GDT_ENTRY_TLS_ENTRIES (arch/x86/include/asm/segment.h).
func x86TLS(tls []*core_x86.UserDescT) (segments []X86Segment) {
	for _, t := range tls[:min(len(tls), 3)] {
		s := X86Segment{Entry: t.GetEntryNumber(), Base: t.GetBaseAddr(), Limit: t.GetLimit()}
		for bit, set := range []bool{
			t.GetSeg_32Bit(), t.GetContentsL(), t.GetContentsH(), t.GetReadExecOnly(),
			t.GetLimitInPages(), t.GetSegNotPresent(), t.GetUsable(),
		} {
			if set {
				s.Flags |= 1 << bit
			}
		}
		segments = append(segments, s)
	}
	return segments
}

func x86XSave(m *core_x86.UserX86XsaveEntry) (*X86XSave, error) {
	if m == nil {
		return nil, nil
	}
	x := &X86XSave{
		XStateBV: m.GetXstateBv(),
		YMMH:     m.GetYmmhSpace(),
		BndRegs:  m.GetBndregState(), BndCSR: m.GetBndcsrState(),
		Opmask: m.GetOpmaskReg(), ZMMUpper: m.GetZmmUpper(), Hi16ZMM: m.GetHi16Zmm(),
		PKRU: m.GetPkru(),
	}
	for _, f := range []struct {
		name      string
		got, want int
	}{
		{"ymmh_space", len(x.YMMH), 64},
		{"bndreg_state", len(x.BndRegs), 8},
		{"bndcsr_state", len(x.BndCSR), 8},
		{"opmask_reg", len(x.Opmask), 8},
		{"zmm_upper", len(x.ZMMUpper), 64},
		{"hi16_zmm", len(x.Hi16ZMM), 128},
		{"pkru", len(x.PKRU), 2},
	} {
		if f.got != 0 && f.got != f.want {
			return nil, fmt.Errorf("extended registers %s of %d elements, want %d", f.name, f.got, f.want)
		}
	}
	return x, nil
}

func arm64Registers(m *core_aarch64.ThreadInfoAarch64) (*Registers, error) {
	g := m.GetGpregs()
	if len(g.GetRegs()) != 31 {
		return nil, fmt.Errorf("%d general registers, want 31", len(g.GetRegs()))
	}
	regs := &ARM64Registers{
		X: [31]uint64(g.GetRegs()), SP: g.GetSp(), PC: g.GetPc(), PState: g.GetPstate(),
		TLS: m.GetTls(),
	}
	f := m.GetFpsimd()
	if len(f.GetVregs()) != 64 {
		return &Registers{Arch: ArchAArch64, ARM64: regs}, fmt.Errorf("vector registers of %d words, want 64", len(f.GetVregs()))
	}
	regs.V, regs.FPSR, regs.FPCR = [64]uint64(f.GetVregs()), f.GetFpsr(), f.GetFpcr()
	regs.HasFP = true
	return &Registers{Arch: ArchAArch64, ARM64: regs}, nil
}
