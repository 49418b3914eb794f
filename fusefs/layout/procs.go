package layout

import (
	"fmt"
	"io"
	"slices"

	"github.com/ckptfs/ckptfs/coredump"
	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

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
			tree.Entry{Name: "gid_map", Node: p.idMap("gid_map", &ns.GIDs)},
			tree.Entry{Name: "uid_map", Node: p.idMap("uid_map", &ns.UIDs)},
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

// idMap is a file with ids, which the processes of a user namespace have alike.
func (p *process) idMap(name string, ids *[]decoder.IDRange) tree.File {
	return p.alike(func() any { return ids }, func() tree.File {
		return p.render(name, func(w io.Writer) error { return procfmt.IDMap(w, *ids) })
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
