package decoder

import (
	"github.com/checkpoint-restore/go-criu/v7/crit/images/cgroup"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Cgroup is the control group that a thread is in, in one hierarchy.
type Cgroup struct {
	Controllers string // separated by commas; "" for the unified hierarchy
	Path        string // from the root of the machine's hierarchy, whatever the container sees
}

// maxCgroups is more hierarchies than a machine has: one for each controller, and
// named ones.
const maxCgroups = 64

// loadCgroups decodes the sets of control groups, by their id. There is no
// image where all threads are in those of CRIU.
//
// Source: cgroup.img; criu/cgroup.c:dump_sets.
func (l *loader) loadCgroups() map[uint32][]Cgroup {
	sets := make(map[uint32][]Cgroup)
	e, err := one[cgroup.CgroupEntry](l.images, l.name("cgroup.img"), criu.MagicCgroup)
	l.warn.Add(optional(err))
	for _, s := range e.GetSets() {
		var set []Cgroup
		for _, c := range s.GetCtls() {
			if len(c.GetPath()) > maxPath || len(set) == maxCgroups {
				l.warn.Addf("%s: set %d: an impossible path, or more than %d control groups", l.name("cgroup.img"), s.GetId(), maxCgroups)
				break
			}
			set = append(set, Cgroup{cText(c.GetName()), cText(c.GetPath())})
		}
		sets[s.GetId()] = set
	}
	return sets
}

// cgroupsOf are those of a thread. Old images have them once for the process.
func (l *loader) cgroupsOf(m *criu_core.ThreadCoreEntry, tc *criu_core.TaskCoreEntry) []Cgroup {
	if m != nil && m.CgSet != nil {
		return l.cgroups[m.GetCgSet()]
	}
	return l.cgroups[tc.GetCgSet()]
}
