package report

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/memview"
)

// processInfo is a process. Files are named as the kernel names them.
type processInfo struct {
	PID   int    `json:"pid"`
	PPID  int    `json:"ppid"`
	PGID  int    `json:"pgid"`
	SID   int    `json:"sid"`
	State string `json:"state"` // S alive, T stopped, Z dead
	Comm  string `json:"comm"`
	// Args are the arguments; empty where the checkpoint does not have them.
	Args []string `json:"args"`
	// Cut says that there are more arguments or environment than are shown.
	Cut         bool     `json:"cut,omitempty"`
	Environment []string `json:"environment,omitempty"` // only if asked for, and there
	// WaitStatus of a dead process is what wait(2) gives: exit code << 8 | signal.
	WaitStatus *uint32    `json:"wait_status,omitempty"`
	StopSignal *uint32    `json:"stop_signal,omitempty"` // of a stopped process
	Exe        string     `json:"exe,omitempty"`
	CWD        string     `json:"cwd,omitempty"`
	Root       string     `json:"root,omitempty"`
	Threads    int        `json:"threads"`
	Tasks      []taskInfo `json:"tasks"` // its threads, the leader first; none of a dead process
	Table      uint32     `json:"descriptor_table,omitempty"`
}

// taskInfo is a thread. What it may do is left out where its leader may do the
// same.
type taskInfo struct {
	TID  int    `json:"tid"`
	Comm string `json:"comm"`
	*credentialInfo
}

func processesOf(ck *decoder.Checkpoint, environment bool) []processInfo {
	processes := make([]processInfo, 0, len(ck.Processes))
	left := maxText
	for _, p := range ck.Processes {
		info := processInfo{
			PID: p.PID, PPID: p.PPID, PGID: p.PGID, SID: p.SID, State: string(p.State.Letter()),
			Threads: max(len(p.Threads), 1), Tasks: []taskInfo{}, Comm: p.Comm, Args: []string{},
		}
		switch {
		case p.State.Dead():
			info.WaitStatus = &p.ExitCode
		case p.State == decoder.TaskStopped:
			info.StopSignal = &p.ExitCode
		}
		for _, t := range p.Threads {
			info.Tasks = append(info.Tasks, taskInfo{t.TID, t.Comm, credentialsOf(t, p.Leader())})
		}
		if p.IDs != nil {
			info.Table = p.IDs.Files
		}
		if p.FS != nil {
			info.CWD, info.Root = fileName(p.FS.CWD), fileName(p.FS.Root)
		}
		if p.MM != nil {
			info.Exe = fileName(p.MM.Exe)
			info.Args = info.items(p.MM, procfmt.Cmdline, &left)
			if environment {
				info.Environment = info.items(p.MM, procfmt.Environ, &left)
			}
		}
		processes = append(processes, info)
	}
	return processes
}

func fileName(f *decoder.File) string {
	if f == nil {
		return ""
	}
	return f.KernelName()
}

// What is shown of arguments and environment, in bytes: of one process, and
// of all. Those of a hostile archive can be endless.
const (
	maxItems = 64 << 10
	maxText  = 4 << 20
)

// items are the NUL-separated strings of a range of memory.
func (p *processInfo) items(mm *decoder.MM, where func(*decoder.MM, *memview.AddressSpace) (decoder.Range, error), left *int) []string {
	space := memview.New(mm)
	r, err := where(mm, space)
	if err != nil || r.Len() == 0 {
		return []string{}
	}
	data := make([]byte, min(r.Len(), maxItems, uint64(*left)))
	n, _ := space.ReadMem(data, r.Start)
	p.Cut = p.Cut || uint64(n) < r.Len()
	*left -= n
	if n == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(data[:n]), "\x00"), "\x00")
}

// command is what the process was started as, or its name in brackets, and
// how it ended.
func (p *processInfo) command() string {
	text := strings.Join(p.Args, " ")
	if len(p.Args) == 0 {
		text = "[" + p.Comm + "]"
	}
	if p.Cut {
		text += "..."
	}
	if s := p.WaitStatus; s != nil {
		if signal := *s & 0x7f; signal != 0 { // wait(2): WTERMSIG
			return text + fmt.Sprintf(" (killed by signal %d)", signal)
		}
		return text + fmt.Sprintf(" (exited with %d)", *s>>8&0xff)
	}
	if s := p.StopSignal; s != nil {
		return text + fmt.Sprintf(" (stopped by signal %d)", *s)
	}
	return text
}

// uid is the user whose rights the process had.
func (p *processInfo) uid() string {
	if len(p.Tasks) == 0 || p.Tasks[0].credentialInfo == nil {
		return "-"
	}
	return fmt.Sprint(p.Tasks[0].EUID)
}

// writeTree writes the processes, each below its parent.
func writeTree(b *bufio.Writer, s *summary) {
	fmt.Fprintf(b, "%7s %7s S %6s %7s COMMAND\n", "PID", "PPID", "UID", "THREADS")
	for _, row := range familyTree(s.Processes) {
		fmt.Fprintf(b, "%7d %7d %s %6s %7d %s%s\n", row.PID, row.PPID, row.State, row.uid(), row.Threads,
			strings.Repeat("  ", row.depth), escape.String(row.command()))
	}
}

// writeEnvironment writes the environment of the processes, once for all that
// have the same.
func writeEnvironment(b *bufio.Writer, s *summary) {
	fmt.Fprintln(b, "environment")
	var same groups[string, int]
	for _, p := range s.Processes {
		if len(p.Environment) > 0 {
			same.add(strings.Join(p.Environment, "\x00"), p.PID)
		}
	}
	for _, g := range same.list {
		fmt.Fprintf(b, "  %s\n", pidsText(g.members))
		for item := range strings.SplitSeq(g.key, "\x00") {
			fmt.Fprintf(b, "    %s\n", escape.String(item))
		}
	}
}
