package decoder

import "sort"

// Process is a thread group of the checkpointed process tree. PIDs are those
// of the container's PID namespace.
//
// Sources: pstree.img, core-<tid>.img, mm-<pid>.img, fs-<pid>.img,
// ids-<pid>.img.
type Process struct {
	PID, PPID, PGID, SID int
	State                TaskState
	ExitCode             uint32   // wait status of a dead process: exit code << 8 | signal; the signal that stopped a stopped one
	Comm                 string   // up to 15 bytes, none of them checked
	Flags                uint32   // PF_ bits of the leader's task_struct
	Personality          uint32   // personality(2)
	LoginUID             uint32   // of the audit system; 2^32-1: not set
	OOMScoreAdj          int      // -1000 to 1000
	Rlimits              []Rlimit // by number; empty where not recorded
	Signals              SignalActions
	Threads              []*Thread    // the leader first, if it is there
	MM                   *MM          // nil for a dead process and where mm-<pid>.img is unusable
	FS                   *FS          // nil where fs-<pid>.img is unusable
	Descriptors          []Descriptor // sorted
	IDs                  *IDs         // nil where the checkpoint has none
	Terminal             *Terminal    // that controls its session; nil where none is known
	Timers               []PosixTimer
	UserNS               *UserNamespace // nil for that of CRIU
}

// Leader is the thread with TID = PID. It is nil for a dead process, and where
// that thread's core image is unusable.
func (p *Process) Leader() *Thread {
	if len(p.Threads) > 0 && p.Threads[0].TID == p.PID {
		return p.Threads[0]
	}
	return nil
}

// arch is the architecture of the process, as far as any thread's registers
// tell.
func (p *Process) arch() Arch {
	for _, t := range p.Threads {
		if t.Registers != nil {
			return t.Registers.Arch
		}
	}
	return ArchUnknown
}

// TaskState is the state that CRIU saved of a task.
//
// Source: compel/include/uapi/task-state.h.
type TaskState uint32

// The task states.
const (
	TaskUndefined TaskState = 0
	TaskAlive     TaskState = 1 // running or sleeping: CRIU does not tell which
	TaskDead      TaskState = 2 // exited and not reaped
	TaskStopped   TaskState = 3
	TaskZombie    TaskState = 6
)

// Dead tells whether the task has exited: it has no memory and no registers.
func (s TaskState) Dead() bool { return s == TaskDead || s == TaskZombie }

// Letter is the state as /proc/pid/stat shows it. A task that CRIU found
// alive is S: what it was doing is not in the checkpoint, and nearly every
// process of a container sleeps.
func (s TaskState) Letter() byte {
	switch s {
	case TaskDead, TaskZombie:
		return 'Z'
	case TaskStopped:
		return 'T'
	default:
		return 'S'
	}
}

// Thread is one task of a process.
//
// Source: core-<tid>.img.
type Thread struct {
	TID       int
	Comm      string
	Registers *Registers // nil where the image has none that can be decoded
	Creds     *Creds     // nil in images older than CRIU 2.0
	Nice      int        // nice value, -20 to 19
	Policy    uint32     // scheduling policy: sched(7)
	Priority  uint32     // of a real-time policy, 1 to 99
	Seccomp   Seccomp
	Cgroups   []Cgroup // empty where not recorded
	SigBlock  uint64   // blocked signals, bit n-1 is signal n
	SigPend   uint64   // signals pending for this thread alone
	SigShared uint64   // signals pending for the whole process; only in the leader
}

// Creds are the credentials of a thread.
//
// Source: the creds_entry message in core-<tid>.img.
type Creds struct {
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
	Groups                 []uint32

	// Capability sets: bit n is capability n of capabilities(7).
	CapInheritable, CapPermitted, CapEffective, CapBounding, CapAmbient uint64

	NoNewPrivs bool
	LSMProfile string // SELinux context or AppArmor profile; "" where not recorded
}

// MM is the memory descriptor of a process.
//
// Source: mm-<pid>.img.
type MM struct {
	PageSize           int // bytes, from AT_PAGESZ
	StartCode, EndCode Addr
	StartData, EndData Addr
	ArgStart, ArgEnd   Addr
	EnvStart, EnvEnd   Addr
	StartBrk, Brk      Addr
	StartStack         Addr
	Exe                *File    // nil where files.img does not have it
	Auxv               []uint64 // key, value pairs, as saved: x86-64 images lack the AT_NULL pair
	VMAs               []*VMA   // sorted by Start, not overlapping
	THPDisabled        bool     // by prctl(PR_SET_THP_DISABLE)
	Guards             []Range  // guard pages inside the VMAs
	Capture            *Capture // its pages; nil where pagemap-<pid>.img is unusable

	compat bool // of a 32-bit task
}

// Auxval is the value of the auxiliary vector's entry of type key.
func (m *MM) Auxval(key uint64) (uint64, bool) {
	if m.compat {
		// A 32-bit task has a pair in each word (fs/compat_binfmt_elf.c).
		for _, w := range m.Auxv {
			if w&0xffffffff == key {
				return w >> 32, true
			}
		}
		return 0, false
	}
	for i := 0; i+1 < len(m.Auxv); i += 2 {
		if m.Auxv[i] == key {
			return m.Auxv[i+1], true
		}
	}
	return 0, false
}

// FindVMA is the VMA that contains a, or nil.
func (m *MM) FindVMA(a Addr) *VMA {
	if i := m.SearchVMA(a); i < len(m.VMAs) && m.VMAs[i].Contains(a) {
		return m.VMAs[i]
	}
	return nil
}

// SearchVMA is the index of the first VMA that ends behind a.
func (m *MM) SearchVMA(a Addr) int {
	return sort.Search(len(m.VMAs), func(i int) bool { return m.VMAs[i].End > a })
}

// FS is what a process has as its root and working directory.
//
// Source: fs-<pid>.img.
type FS struct {
	CWD, Root *File // nil where files.img does not have it
	Umask     uint32
}

// IDs are CRIU's kobj ids: equal ids of two tasks mean that they share the
// table or the namespace.
//
// Source: ids-<pid>.img.
type IDs struct {
	VM, Files, FS, Sighand                  uint32
	PID, Net, IPC, UTS, Mnt, User, CG, Time uint32 // namespaces; 0: not known
}
