package layout

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/ckptfs/ckptfs/coredump"
	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// process is a process with its address space, which is made when it is
// first needed. A process without memory has none.
type process struct {
	*decoder.Process
	*builder
	space    func() *memview.AddressSpace
	sizes    func() procfmt.MemorySizes // of all its mappings, counted once
	shared   func() []tree.Entry        // what its threads have alike, made once
	children []int                      // PIDs
	attr     tree.Attr                  // owner and time of its files
}

func (b *builder) processes() []*process {
	children := make(map[int][]int)
	for _, p := range b.ck.Processes {
		children[p.PPID] = append(children[p.PPID], p.PID)
	}
	var list []*process
	for _, p := range b.ck.Processes {
		proc := &process{
			Process:  p,
			builder:  b,
			space:    sync.OnceValue(func() *memview.AddressSpace { return memview.New(p.MM) }),
			children: children[p.PID],
			attr:     b.processAttr(p),
		}
		proc.sizes = sync.OnceValue(func() procfmt.MemorySizes { return procfmt.SizesOf(p.MM, proc.space()) })
		proc.shared = sync.OnceValue(proc.sharedEntries)
		list = append(list, proc)
	}
	return list
}

// processAttr is that of a process's files: its effective user owns them, as
// in /proc, and by that ps tells whose it is.
//
// Source: fs/proc/base.c:task_dump_owner.
func (b *builder) processAttr(p *decoder.Process) tree.Attr {
	attr := b.fileAttr()
	if t := p.Leader(); t != nil && t.Creds != nil {
		attr.UID, attr.GID = t.Creds.EUID, t.Creds.EGID
	}
	return attr
}

// procs is procs/.
func (b *builder) procs(procs []*process) tree.Dir {
	entries := b.system(procs)
	for _, p := range procs {
		entries = append(entries, tree.Entry{Name: fmt.Sprint(p.PID), Node: p.dir(p.entries)})
	}
	entries = append(entries, tree.Entry{Name: "net", Node: b.procNet(b.ck.NetNamespaces()[0].ID)})
	return tree.NewDir(b.dirAttr(), byNumber(entries))
}

// entries is procs/<pid>/. What needs the memory of a process is there even
// where its mm image is broken, and fails when it is read; a dead process has
// only what the kernel shows of a zombie.
func (p *process) entries() []tree.Entry {
	return sorted(append(p.ofKernel(), p.ofOurs()...))
}

// ofKernel is what the kernel has there, too.
func (p *process) ofKernel() []tree.Entry {
	entries := slices.Concat(p.ofThread("", p.Leader(), true), p.shared(), p.links(processDepth))
	entries = append(entries,
		tree.Entry{Name: "map_files", Node: p.mapFiles()},
		tree.Entry{Name: "task", Node: p.tasks()},
		tree.Entry{Name: "timers", Node: p.render("timers", func(w io.Writer) error { return procfmt.Timers(w, p.Process) })},
	)
	if p.State.Dead() {
		return entries
	}
	return append(entries,
		tree.Entry{Name: "coredump_filter", Node: p.constant(procfmt.CoredumpFilter)},
		tree.Entry{Name: "timerslack_ns", Node: p.constant(procfmt.TimerSlack)},
	)
}

// ofOurs is what the kernel does not have.
func (p *process) ofOurs() []tree.Entry {
	entries := []tree.Entry{
		{Name: "cmdline.txt", Node: p.items("cmdline.txt", procfmt.Cmdline)},
		{Name: "environ.txt", Node: p.items("environ.txt", procfmt.Environ)},
		{Name: "unavailable", Node: p.render("unavailable", procfmt.Unavailable)},
	}
	if p.State.Dead() {
		return entries
	}
	entries = append(entries,
		tree.Entry{Name: "build-ids", Node: p.text("build-ids", func(w io.Writer) error { return procfmt.BuildIDs(w, p.MM) })},
		tree.Entry{Name: "mem.d", Node: p.memDir()},
		tree.Entry{Name: "mem.idx", Node: p.text("mem.idx", func(w io.Writer) error { return procfmt.MemIdx(w, p.MM, p.space()) })},
	)
	if coredump.Check(p.Process) == nil {
		entries = append(entries,
			tree.Entry{Name: "core", Node: tree.NewSymlink(p.attr, fmt.Sprintf("%scores/core.%d", p.fromProcs(1), p.PID))},
			tree.Entry{Name: "gdbinit", Node: p.gdbinit()},
		)
	}
	return entries
}

// sharedEntries are what all threads of a process have alike: the nodes stand in
// procs/<pid>/ and in each procs/<pid>/task/<tid>/, and are rendered once.
func (p *process) sharedEntries() []tree.Entry {
	entries := []tree.Entry{
		{Name: "cmdline", Node: p.bytes("cmdline", procfmt.Cmdline)},
		{Name: "fdinfo", Node: p.fdinfo()},
		{Name: "io", Node: p.constant(procfmt.IO)},
		{Name: "ns", Node: p.ns()},
		{Name: "schedstat", Node: p.constant(procfmt.Schedstat)},
		{Name: "wchan", Node: p.constant(procfmt.Wchan)},
	}
	if p.State.Dead() {
		return append(entries,
			tree.Entry{Name: "auxv", Node: p.constant("")},
			tree.Entry{Name: "environ", Node: p.constant("")},
			tree.Entry{Name: "maps", Node: p.constant("")},
			tree.Entry{Name: "smaps", Node: p.constant("")},
			tree.Entry{Name: "statm", Node: p.constant(procfmt.DeadStatm)},
		)
	}
	if ns := p.UserNS; ns != nil {
		entries = append(entries,
			tree.Entry{Name: "gid_map", Node: p.render("gid_map", func(w io.Writer) error { return procfmt.IDMap(w, ns.GIDs) })},
			tree.Entry{Name: "uid_map", Node: p.render("uid_map", func(w io.Writer) error { return procfmt.IDMap(w, ns.UIDs) })},
		)
	}
	return append(entries,
		tree.Entry{Name: "auxv", Node: p.text("auxv", func(w io.Writer) error { return procfmt.Auxv(w, p.MM) })},
		tree.Entry{Name: "environ", Node: p.bytes("environ", procfmt.Environ)},
		tree.Entry{Name: "limits", Node: p.render("limits", func(w io.Writer) error { return procfmt.Limits(w, p.Rlimits) })},
		tree.Entry{Name: "loginuid", Node: p.number("%d", p.LoginUID)},
		tree.Entry{Name: "maps", Node: p.text("maps", func(w io.Writer) error { return procfmt.Maps(w, p.MM) })},
		tree.Entry{Name: "mem", Node: p.mem()},
		tree.Entry{Name: "mountinfo", Node: p.mountTable("mountinfo", procfmt.Mountinfo)},
		tree.Entry{Name: "mounts", Node: p.mountTable("mounts", procfmt.Mounts)},
		tree.Entry{Name: "net", Node: p.net()},
		tree.Entry{Name: "oom_adj", Node: p.number("%d\n", procfmt.OOMAdj(p.OOMScoreAdj))},
		tree.Entry{Name: "oom_score", Node: p.constant(procfmt.OOMScore)},
		tree.Entry{Name: "oom_score_adj", Node: p.number("%d\n", p.OOMScoreAdj)},
		tree.Entry{Name: "pagemap", Node: p.pagemap()},
		tree.Entry{Name: "personality", Node: p.number("%08x\n", p.Personality)},
		tree.Entry{Name: "sessionid", Node: p.constant(procfmt.SessionID)},
		tree.Entry{Name: "smaps", Node: p.text("smaps", func(w io.Writer) error { return procfmt.Smaps(w, p.MM, p.space()) })},
		tree.Entry{Name: "smaps_rollup", Node: p.text("smaps_rollup", func(w io.Writer) error { return procfmt.SmapsRollup(w, p.MM, p.sizes()) })},
		tree.Entry{Name: "statm", Node: p.text("statm", func(w io.Writer) error { return procfmt.Statm(w, p.MM, p.sizes()) })},
	)
}

// mountTable is a file with the mount table, of which each namespace has one.
func (p *process) mountTable(name string, render func(io.Writer, []*decoder.Mount) error) tree.File {
	type table struct {
		name string
		ns   uint32 // 0: that of the first process
	}
	key := table{name: name}
	if p.IDs != nil {
		key.ns = p.IDs.Mnt
	}
	return p.alike(func() any { return key }, func() tree.File {
		return p.render(name, func(w io.Writer) error { return render(w, p.ck.MountTable(p.Process)) })
	})
}

// processDepth is how deep procs/<pid>/ lies.
const processDepth = 2

// links are what leads to files, in the directory of a process or of a thread
// at that depth: exe, cwd, root and fd/. A link whose file is not in the checkpoint is
// missing.
func (p *process) links(depth int) []tree.Entry {
	files := make(map[string]*decoder.File)
	if p.MM != nil {
		files["exe"] = p.MM.Exe
	}
	if p.FS != nil {
		files["cwd"], files["root"] = p.FS.CWD, p.FS.Root
	}
	entries := []tree.Entry{{Name: "fd", Node: p.fd(depth)}}
	for name, f := range files {
		if f != nil {
			entries = append(entries, tree.Entry{Name: name, Node: p.fileLink(p.attr, depth, f)})
		}
	}
	return entries
}

// dir is a directory of the process.
func (p *process) dir(entries func() []tree.Entry) tree.Dir {
	attr := p.attr
	attr.Perm = 0o555
	return tree.LazyDir(attr, func() ([]tree.Entry, error) { return entries(), nil })
}

// path is where an entry of the process stands in the mount.
func (p *process) path(name string) string { return fmt.Sprintf("procs/%d/%s", p.PID, name) }

// stat and status are of a thread, or of a process that is dead.
func (p *process) stat(name string, t *decoder.Thread, whole bool) tree.File {
	return p.render(name, func(w io.Writer) error { return procfmt.Stat(w, p.Process, t, whole, p.sizes()) })
}

func (p *process) status(name string, t *decoder.Thread) tree.File {
	return p.render(name, func(w io.Writer) error { return procfmt.Status(w, p.Process, t, p.sizes()) })
}

// constant is a file that holds that text.
func (p *process) constant(text string) tree.File { return tree.Bytes(p.attr, []byte(text)) }

// number is a file of one number.
func (p *process) number(format string, n any) tree.File {
	return tree.Bytes(p.attr, fmt.Appendf(nil, format, n))
}

// render is a text file.
func (p *process) render(name string, render func(io.Writer) error) tree.File {
	return tree.Text(p.attr, p.noting(p.path(name), render))
}

// text is a text file that is made from the mm image.
func (p *process) text(name string, render func(io.Writer) error) tree.File {
	return p.render(name, func(w io.Writer) error {
		if p.MM == nil {
			return procfmt.ErrNoMemory
		}
		return render(w)
	})
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
