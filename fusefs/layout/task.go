package layout

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// tasks is procs/<pid>/task/.
func (p *process) tasks() tree.Dir {
	return p.dir(func() []tree.Entry {
		threads := p.Threads
		if p.State.Dead() {
			threads = []*decoder.Thread{{TID: p.PID, Comm: p.Comm}}
		}
		var entries []tree.Entry
		for _, t := range threads {
			entries = append(entries, tree.Entry{Name: fmt.Sprint(t.TID), Node: p.dir(func() []tree.Entry { return p.task(t) })})
		}
		return byNumber(entries)
	})
}

// taskDepth is how deep procs/<pid>/task/<tid>/ lies.
const taskDepth = 4

// task is procs/<pid>/task/<tid>/: the files of the process, and those that
// each thread has of its own. A link stands for another target here, because
// of where it lies.
func (p *process) task(t *decoder.Thread) []tree.Entry {
	at := fmt.Sprintf("task/%d/", t.TID)
	if p.State.Dead() {
		t = nil
	}
	entries := append(p.ofThread(at, t, false), p.shared()...)
	return sorted(append(entries, p.links(taskDepth)...))
}

// ofThread is what differs between the threads of a process: the files of t,
// which is nil in a dead process, or of the process itself, where whole, for
// which t is the first.
func (p *process) ofThread(at string, t *decoder.Thread, whole bool) []tree.Entry {
	comm, children := p.Comm, ""
	if t == nil || t.TID == p.PID {
		children = p.childList()
	} else {
		comm = t.Comm
	}
	entries := []tree.Entry{
		{Name: "cgroup", Node: p.cgroup(at+"cgroup", t)},
		{Name: "children", Node: p.constant(children)},
		{Name: "comm", Node: p.comm(comm)},
		{Name: "stat", Node: p.stat(at+"stat", t, whole)},
		{Name: "status", Node: p.status(at+"status", t)},
	}
	if p.State.Dead() {
		return append(entries, tree.Entry{Name: "syscall", Node: p.constant(procfmt.DeadSyscall)})
	}
	entries = append(entries,
		tree.Entry{Name: "regs", Node: p.regs(at+"regs", t)},
		tree.Entry{Name: "syscall", Node: p.syscall(at+"syscall", t)},
	)
	if t == nil {
		return entries
	}
	if label, ok := procfmt.Label(p.ck.Inventory.LSM, t.Creds); ok {
		entries = append(entries, tree.Entry{Name: "attr", Node: p.dir(func() []tree.Entry {
			return []tree.Entry{{Name: "current", Node: p.constant(label)}}
		})})
	}
	return entries
}

// stat and status are of a thread, or of a process that is dead.
func (p *process) stat(name string, t *decoder.Thread, whole bool) tree.File {
	return p.render(name, func(w io.Writer) error { return procfmt.Stat(w, p.Process, t, whole, p.sizes()) })
}

func (p *process) status(name string, t *decoder.Thread) tree.File {
	return p.render(name, func(w io.Writer) error { return procfmt.Status(w, p.Process, t, p.sizes()) })
}

func (p *process) comm(comm string) tree.File { return p.constant(comm + "\n") }

func (p *process) regs(name string, t *decoder.Thread) tree.File {
	return p.registers(name, t, procfmt.Regs)
}

func (p *process) syscall(name string, t *decoder.Thread) tree.File {
	return p.registers(name, t, func(w io.Writer, r *decoder.Registers) error { return procfmt.Syscall(w, r, p.space()) })
}

// registers is a file that is made from the registers of a thread.
func (p *process) registers(name string, t *decoder.Thread, render func(io.Writer, *decoder.Registers) error) tree.File {
	return p.render(name, func(w io.Writer) error {
		if t == nil || t.Registers == nil {
			return errors.New("no registers in the core image")
		}
		return render(w, t.Registers)
	})
}

// cgroup is empty where the control groups are not recorded, as those of
// zombies never are. Threads of one set of them have it alike.
func (p *process) cgroup(name string, t *decoder.Thread) tree.File {
	if t == nil || len(t.Cgroups) == 0 {
		return p.constant("")
	}
	return p.alike(func() any { return &t.Cgroups[0] }, func() tree.File {
		return p.render(name, func(w io.Writer) error { return procfmt.Cgroup(w, t.Cgroups) })
	})
}

// childList is the file children of the first thread, and of the process.
// Which thread made a child is not recorded: those of all are listed here.
//
// Source: fs/proc/array.c:children_seq_show.
func (p *process) childList() string {
	var b strings.Builder
	for _, pid := range p.children {
		fmt.Fprintf(&b, "%d ", pid)
	}
	return b.String()
}
