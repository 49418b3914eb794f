package procfmt

import (
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

// A process may call itself anything. The kernel escapes line ends and
// backslashes in status, and nothing in stat, where the name ends at the last
// closing parenthesis.
func TestHostileName(t *testing.T) {
	const name = "a) R 1\n\x1b[31m\\"
	thread := &decoder.Thread{TID: 7, Comm: name}
	p := &decoder.Process{PID: 7, PPID: 1, State: decoder.TaskAlive, Comm: name, Threads: []*decoder.Thread{thread}}
	var status, stat strings.Builder
	if err := Status(&status, p, thread, MemorySizes{}); err != nil {
		t.Fatal(err)
	}
	if err := Stat(&stat, p, thread, true, MemorySizes{}); err != nil {
		t.Fatal(err)
	}
	if want := "Name:\ta) R 1\\n\x1b[31m\\\\\nState:\tS (sleeping)\n"; !strings.HasPrefix(status.String(), want) {
		t.Errorf("status = %q, want it to begin with %q", status.String(), want)
	}
	if want := "7 (" + name + ") S 1 0 0 0 -1 "; !strings.HasPrefix(stat.String(), want) {
		t.Errorf("stat = %q, want it to begin with %q", stat.String(), want)
	}
}

func TestPriority(t *testing.T) {
	for _, test := range []struct {
		thread         decoder.Thread
		priority, real int
	}{
		{decoder.Thread{}, 20, 0},
		{decoder.Thread{Nice: -20}, 0, 0},
		{decoder.Thread{Nice: 19}, 39, 0},
		{decoder.Thread{Policy: 1, Priority: 99}, -100, 99}, // SCHED_FIFO
		{decoder.Thread{Policy: 2, Priority: 1}, -2, 1},     // SCHED_RR
		{decoder.Thread{Policy: 5, Nice: 3}, 23, 0},         // SCHED_IDLE
		{decoder.Thread{Policy: 6}, -101, 0},                // SCHED_DEADLINE
	} {
		if p, r := priority(&test.thread), realtimePriority(&test.thread); p != test.priority || int(r) != test.real {
			t.Errorf("%+v: priorities %d and %d, want %d and %d", test.thread, p, r, test.priority, test.real)
		}
	}
}

func TestLimits(t *testing.T) {
	var b strings.Builder
	limits := make([]decoder.Rlimit, 20) // more than there are names
	limits[0] = decoder.Rlimit{Soft: 10, Hard: decoder.RlimitInfinity}
	if err := Limits(&b, limits); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(b.String(), "\n")
	if len(got) != 18 || got[1] != "Max cpu time              10                   unlimited            seconds   " {
		t.Errorf("limits = %q", got)
	}
	if err := Limits(&b, nil); err == nil {
		t.Error("no limits, and no error")
	}
}
