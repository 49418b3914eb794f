package decoder

import (
	"fmt"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	criu_fs "github.com/checkpoint-restore/go-criu/v7/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// processes decodes the process tree. Only pstree.img says which processes
// there are: an archive may carry images of dead ones, left from an earlier
// checkpoint of the same container.
func (l *loader) processes() []*Process {
	entries, err := l.pstree()
	l.warn.Add(err)
	l.sessions = l.controlling()
	// All PIDs are known by now, and no thread can take one.
	var list []*Process
	for _, e := range entries {
		list = append(list, l.process(e))
	}
	return list
}

// processIDs are the processes and nothing of them but their IDs; nil where
// not all can be told.
func (l *loader) processIDs() []*Process {
	entries, err := l.pstree()
	if err != nil {
		l.warn.Add(err)
		return nil
	}
	list := make([]*Process, len(entries))
	for i, e := range entries {
		list[i] = newProcess(e)
	}
	return list
}

// pstree is the process tree, with all that could be decoded of it.
func (l *loader) pstree() (entries []*pstree.PstreeEntry, err error) {
	name := l.name("pstree.img")
	err = each(l.images, name, criu.MagicPstree, func(e *pstree.PstreeEntry, _ *criu.Reader) error {
		if !l.newTask(e.GetPid()) {
			l.warn.Addf("%s: process %d: impossible or repeated PID, left out", name, e.GetPid())
			return nil
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// newTask tells whether a task can have that ID: a positive number that no
// other has. There are no more of them than CRIU could ever have dumped.
func (l *loader) newTask(id uint32) bool {
	if id == 0 || id > maxPID || l.tasks[int(id)] || len(l.tasks) == maxTasks {
		return false
	}
	if l.tasks == nil {
		l.tasks = make(map[int]bool)
	}
	l.tasks[int(id)] = true
	return true
}

// maxTasks bounds processes and threads together.
const maxTasks = 1 << 17

// maxPID is the largest PID that the kernel gives out on 64-bit machines
// (include/linux/threads.h:PID_MAX_LIMIT).
const maxPID = 4 << 20

// process decodes what the images say of one entry of the process tree. What
// fails becomes a warning and is missing in the result.
func (l *loader) process(e *pstree.PstreeEntry) *Process {
	p := newProcess(e)
	leader, err := l.core(p.PID)
	if err != nil {
		l.warn.Add(fmt.Errorf("process %d: %w", p.PID, err))
	} else {
		l.taskCore(p, leader)
	}
	p.Terminal = l.sessions[p.SID]
	if p.State.Dead() {
		// The threads of a dead process are uninitialised memory of CRIU
		// (criu/pstree.c), and there is nothing else of it.
		return p
	}
	l.threads(p, e.GetThreads(), leader)
	p.IDs = l.ids(p.PID)
	if p.IDs != nil {
		p.Descriptors = l.held(p.PID, l.descriptors(p.IDs.Files))
		p.UserNS = l.userNamespace(p.IDs.User)
	}
	p.FS = l.fs(p.PID)
	p.MM = l.mm(p.PID, p.arch())
	return p
}

func newProcess(e *pstree.PstreeEntry) *Process {
	return &Process{
		PID: int(e.GetPid()), PPID: int(e.GetPpid()),
		PGID: int(e.GetPgid()), SID: int(e.GetSid()),
	}
}

func (l *loader) ids(pid int) *IDs {
	m, err := one[criu_core.TaskKobjIdsEntry](l.images, l.name("ids-%d.img", pid), criu.MagicIDs)
	if err != nil {
		l.warn.Add(fmt.Errorf("process %d: %w", pid, err))
		return nil
	}
	return kobjIDs(m)
}

func kobjIDs(m *criu_core.TaskKobjIdsEntry) *IDs {
	return &IDs{
		VM: m.GetVmId(), Files: m.GetFilesId(), FS: m.GetFsId(), Sighand: m.GetSighandId(),
		PID: m.GetPidNsId(), Net: m.GetNetNsId(), IPC: m.GetIpcNsId(), UTS: m.GetUtsNsId(),
		Mnt: m.GetMntNsId(), User: m.GetUserNsId(), CG: m.GetCgroupNsId(), Time: m.GetTimeNsId(),
	}
}

func (l *loader) fs(pid int) *FS {
	m, err := one[criu_fs.FsEntry](l.images, l.name("fs-%d.img", pid), criu.MagicFS)
	if err != nil {
		l.warn.Add(fmt.Errorf("process %d: %w", pid, err))
		return nil
	}
	return &FS{CWD: l.files[m.GetCwdId()], Root: l.files[m.GetRootId()], Umask: m.GetUmask()}
}
