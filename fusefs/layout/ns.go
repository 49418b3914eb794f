package layout

import (
	"fmt"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// ns is procs/<pid>/ns/: a link for each namespace. Its number is CRIU's id,
// since the inode number is not saved; as there, processes with the same one
// share the namespace. A process whose children are to have another time
// namespace than itself cannot be checkpointed.
//
// Source: fs/proc/namespaces.c:ns_entries; criu/namespaces.c:dump_task_ns_ids.
func (p *process) ns() tree.Dir {
	return p.dir(func() []tree.Entry {
		if p.IDs == nil {
			return nil
		}
		var entries []tree.Entry
		for _, ns := range []struct {
			name, kind string
			id         uint32
		}{
			{"cgroup", "cgroup", p.IDs.CG},
			{"ipc", "ipc", p.IDs.IPC},
			{"mnt", "mnt", p.IDs.Mnt},
			{"net", "net", p.IDs.Net},
			{"pid", "pid", p.IDs.PID},
			{"time", "time", p.IDs.Time},
			{"time_for_children", "time", p.IDs.Time},
			{"user", "user", p.IDs.User},
			{"uts", "uts", p.IDs.UTS},
		} {
			if ns.id != 0 {
				text := fmt.Sprintf("%s:[%d]", ns.kind, ns.id)
				entries = append(entries, tree.Entry{Name: ns.name, Node: p.link(p.attr, text, func() string { return text })})
			}
		}
		return entries
	})
}
