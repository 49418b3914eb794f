package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// Timers writes /proc/pid/timers.
//
// Source: fs/proc/base.c:show_timer; proc_pid_timers(5).
func Timers(w io.Writer, p *decoder.Process) error {
	const (
		sigevThreadID = 4
		known         = 3
	)
	names := [known]string{"signal", "none", "thread"} // SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD
	b := bufio.NewWriter(w)
	for _, t := range p.Timers {
		how := t.Notify &^ sigevThreadID
		if how >= known {
			return fmt.Errorf("timer %d: unknown way %d to notify", t.ID, t.Notify)
		}
		whom, id := "pid", p.PID
		if t.Notify&sigevThreadID != 0 {
			whom, id = "tid", int(t.Thread)
		}
		fmt.Fprintf(b, "ID: %d\nsignal: %d/%016x\nnotify: %s/%s.%d\nClockID: %d\n", t.ID, t.Signal, t.Value, names[how], whom, id, t.Clock)
	}
	return b.Flush()
}
