package decoder

import (
	"slices"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
)

// PosixTimer is a timer of timer_create(2).
//
// Source: the posix_timer_entry message in core-<pid>.img.
type PosixTimer struct {
	ID     int32
	Clock  int32  // CLOCK_; negative for those of CPU time
	Signal int32  // what it sends
	Notify uint32 // SIGEV_
	Value  uint64 // what it sends with the signal
	Thread int32  // to whom, of SIGEV_THREAD_ID; 0 for the process
}

// maxTimers is more than a process can have by default: RLIMIT_SIGPENDING
// bounds them.
const maxTimers = 1 << 20

// posixTimers are those of a process, as the kernel lists them: the newest
// first. CRIU has read that list, and turned it round
// (criu/proc_parse.c:parse_posix_timers).
func posixTimers(tc *criu_core.TaskCoreEntry) (timers []PosixTimer) {
	list := tc.GetTimers().GetPosix()
	for _, t := range slices.Backward(list[:min(len(list), maxTimers)]) {
		timers = append(timers, PosixTimer{
			ID: int32(t.GetItId()), Clock: int32(t.GetClockId()), Signal: int32(t.GetSiSigno()),
			Notify: t.GetItSigevNotify(), Value: t.GetSivalPtr(), Thread: t.GetNotifyThreadId(),
		})
	}
	return timers
}
