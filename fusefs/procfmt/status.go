package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// Status writes /proc/pid/status, or that of one of its threads. t is nil for a
// dead process, of which there is only the beginning. What CRIU does not save
// is 0; [Unavailable] lists it.
//
// Source: fs/proc/array.c:proc_pid_status.
func Status(w io.Writer, p *decoder.Process, t *decoder.Thread, sizes MemorySizes) error {
	b := bufio.NewWriter(w)
	line := func(name, format string, args ...any) { fmt.Fprintf(b, name+":\t"+format+"\n", args...) }
	comm, tid := p.Comm, p.PID
	var creds decoder.Creds
	if t != nil {
		comm, tid = t.Comm, t.TID
		if t.Creds != nil {
			creds = *t.Creds
		}
	}
	line("Name", "%s", statusName(comm))
	if p.FS != nil {
		line("Umask", "%04o", p.FS.Umask)
	}
	line("State", "%s", stateName(p.State))
	line("Tgid", "%d", p.PID)
	line("Ngid", "0")
	line("Pid", "%d", tid)
	line("PPid", "%d", p.PPID)
	line("TracerPid", "0")
	line("Uid", "%d\t%d\t%d\t%d", creds.UID, creds.EUID, creds.SUID, creds.FSUID)
	line("Gid", "%d\t%d\t%d\t%d", creds.GID, creds.EGID, creds.SGID, creds.FSGID)
	line("FDSize", "%d", descriptorTable(p))
	line("Groups", "%s", groups(creds.Groups))
	line("NStgid", "%d", p.PID)
	line("NSpid", "%d", tid)
	line("NSpgid", "%d", p.PGID)
	line("NSsid", "%d", p.SID)
	line("Kthread", "0")
	if p.MM != nil {
		statusMemory(b, p.MM, sizes)
		line("CoreDumping", "0")
		line("THP_enabled", "%d", oneIf(!p.MM.THPDisabled))
	}
	line("Threads", "%d", max(len(p.Threads), 1))
	line("SigQ", "0/%d", pendingLimit(p.Rlimits))
	signals := decoder.Thread{}
	if t != nil {
		signals = *t
	}
	line("SigPnd", "%016x", signals.SigPend)
	line("ShdPnd", "%016x", sharedPending(p))
	line("SigBlk", "%016x", signals.SigBlock)
	line("SigIgn", "%016x", p.Signals.Ignored)
	line("SigCgt", "%016x", p.Signals.Caught)
	line("CapInh", "%016x", creds.CapInheritable)
	line("CapPrm", "%016x", creds.CapPermitted)
	line("CapEff", "%016x", creds.CapEffective)
	line("CapBnd", "%016x", creds.CapBounding)
	line("CapAmb", "%016x", creds.CapAmbient)
	line("NoNewPrivs", "%d", oneIf(creds.NoNewPrivs))
	line("Seccomp", "%d", signals.Seccomp.Mode)
	line("Seccomp_filters", "%d", signals.Seccomp.Filters)
	line("Speculation_Store_Bypass", "unknown")
	line("SpeculationIndirectBranch", "unknown")
	line("Cpus_allowed", "0")
	line("Cpus_allowed_list", "")
	line("Mems_allowed", "0")
	line("Mems_allowed_list", "")
	line("voluntary_ctxt_switches", "0")
	line("nonvoluntary_ctxt_switches", "0")
	return b.Flush()
}

// statusMemory writes the sizes of the address space, in KiB. The greatest
// sizes ever are not saved, and as in the kernel no less than those of now.
//
// Source: fs/proc/task_mmu.c:task_mem.
func statusMemory(w *bufio.Writer, mm *decoder.MM, s MemorySizes) {
	exe := min(text(mm), s.exec)
	for _, size := range []struct {
		name  string
		bytes uint64
	}{
		{"VmPeak", s.total},
		{"VmSize", s.total},
		{"VmLck", s.locked},
		{"VmPin", 0},
		{"VmHWM", s.Resident()},
		{"VmRSS", s.Resident()},
		{"RssAnon", s.anon},
		{"RssFile", s.file},
		{"RssShmem", s.shmem},
		{"VmData", s.data},
		{"VmStk", s.stack},
		{"VmExe", exe},
		{"VmLib", s.exec - exe},
		{"VmPTE", 0},
		{"VmSwap", 0},
		{"HugetlbPages", 0},
	} {
		fmt.Fprintf(w, "%s:\t%8d kB\n", size.name, size.bytes/1024)
	}
}

var nameEscaper = strings.NewReplacer("\n", `\n`, `\`, `\\`)

// statusName escapes a name as the kernel does: line ends and backslashes.
//
// Source: fs/proc/array.c:proc_task_name.
func statusName(comm string) string { return nameEscaper.Replace(comm) }

// stateName is a state with its letter.
//
// Source: fs/proc/array.c:task_state_array.
func stateName(s decoder.TaskState) string {
	switch s.Letter() {
	case 'T':
		return "T (stopped)"
	case 'Z':
		return "Z (zombie)"
	default:
		return "S (sleeping)"
	}
}

// descriptorTable is the size of the smallest table that holds the
// descriptors. It may have been larger: a table never shrinks.
//
// Source: fs/file.c:alloc_fdtable.
func descriptorTable(p *decoder.Process) int {
	const smallest = 64 // NR_OPEN_DEFAULT
	if p.State.Dead() {
		return 0
	}
	size := smallest
	for n := len(p.Descriptors); n > 0 && size <= p.Descriptors[n-1].FD; {
		size *= 2
	}
	return size
}

// groups writes supplementary groups, each followed by a space; none are a
// space alone.
func groups(list []uint32) string {
	if len(list) == 0 {
		return " "
	}
	var b strings.Builder
	for _, g := range list {
		fmt.Fprintf(&b, "%d ", g)
	}
	return b.String()
}

// sharedPending are the signals that are pending for the whole process.
func sharedPending(p *decoder.Process) uint64 {
	if t := p.Leader(); t != nil {
		return t.SigShared
	}
	return 0
}

// pendingLimit is the limit of queued signals, RLIMIT_SIGPENDING.
func pendingLimit(limits []decoder.Rlimit) uint64 {
	const sigPending = 11
	if len(limits) <= sigPending {
		return 0
	}
	return limits[sigPending].Soft
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}
