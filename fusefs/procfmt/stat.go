package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// Scheduling policies of sched(7) that have priorities of their own.
const (
	schedFIFO     = 1
	schedRR       = 2
	schedDeadline = 6
)

// Stat writes /proc/pid/stat, where whole, or else that of the thread t, which
// is nil in a dead process. It has 52 fields. What CRIU does not save is 0; [Unavailable]
// lists it.
//
// Source: fs/proc/array.c:do_task_stat; proc_pid_stat(5).
func Stat(w io.Writer, p *decoder.Process, t *decoder.Thread, whole bool, sizes MemorySizes) error {
	b := bufio.NewWriter(w)
	if t == nil {
		t = &decoder.Thread{TID: p.PID, Comm: p.Comm}
	}
	mm := p.MM
	if mm == nil {
		mm = new(decoder.MM)
	}
	var rss uint64
	if mm.PageSize > 0 {
		rss = sizes.Resident() / uint64(mm.PageSize)
	}
	var rssLimit uint64
	if len(p.Rlimits) > rlimitRSS {
		rssLimit = p.Rlimits[rlimitRSS].Soft
	}
	flags, exitSignal := p.Flags, 0
	if t.TID != p.PID {
		flags, exitSignal = 0, -1 // CRIU saves the leader's flags alone; nobody waits for other threads
	}
	terminal := decoder.Terminal{PGRP: -1}
	if p.Terminal != nil {
		terminal = *p.Terminal
	}
	exitCode := p.ExitCode
	if p.State == decoder.TaskStopped && !whole {
		exitCode = 0
	}
	const low31 = 1<<31 - 1
	fmt.Fprintf(b, "%d (%s) %c %d %d %d", t.TID, t.Comm, p.State.Letter(), p.PPID, p.PGID, p.SID)
	for _, field := range []any{
		terminal.Device, terminal.PGRP, flags, // tty_nr, tpgid, flags
		0, 0, 0, 0, // minflt, cminflt, majflt, cmajflt
		0, 0, 0, 0, // utime, stime, cutime, cstime
		priority(t), t.Nice, max(len(p.Threads), 1), 0, 0, // priority, nice, num_threads, itrealvalue, starttime
		sizes.total, rss, rssLimit,
		uint64(mm.StartCode), uint64(mm.EndCode), uint64(mm.StartStack), 0, 0, // ..., kstkesp, kstkeip
		t.SigPend & low31, t.SigBlock & low31, p.Signals.Ignored & low31, p.Signals.Caught & low31,
		0, 0, 0, exitSignal, 0, // wchan, nswap, cnswap, exit_signal, processor
		realtimePriority(t), t.Policy, 0, 0, 0, // ..., delayacct_blkio_ticks, guest_time, cguest_time
		uint64(mm.StartData), uint64(mm.EndData), uint64(mm.StartBrk),
		uint64(mm.ArgStart), uint64(mm.ArgEnd), uint64(mm.EnvStart), uint64(mm.EnvEnd),
		exitCode,
	} {
		fmt.Fprintf(b, " %d", field)
	}
	b.WriteByte('\n')
	return b.Flush()
}

// priority is the kernel's, less 100: real-time ones are negative.
//
// Source: kernel/sched/syscalls.c:__normal_prio.
func priority(t *decoder.Thread) int {
	const niceZero = 20
	switch t.Policy {
	case schedFIFO, schedRR:
		return -1 - int(t.Priority)
	case schedDeadline:
		return -101
	default:
		return niceZero + t.Nice
	}
}

func realtimePriority(t *decoder.Thread) uint32 {
	if t.Policy == schedFIFO || t.Policy == schedRR {
		return t.Priority
	}
	return 0
}

// Statm writes /proc/pid/statm: sizes in pages.
//
// Source: fs/proc/array.c:proc_pid_statm, fs/proc/task_mmu.c:task_statm.
func Statm(w io.Writer, mm *decoder.MM, s MemorySizes) error {
	if mm == nil {
		_, err := fmt.Fprintln(w, "0 0 0 0 0 0 0")
		return err
	}
	page := uint64(mm.PageSize)
	_, err := fmt.Fprintf(w, "%d %d %d %d 0 %d 0\n",
		s.total/page, s.Resident()/page, (s.file+s.shmem)/page, text(mm)/page, (s.data+s.stack)/page)
	return err
}
