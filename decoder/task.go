package decoder

import (
	"github.com/checkpoint-restore/go-criu/v7/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	sa "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/seccomp"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Rlimit is a resource limit; RlimitInfinity stands for none.
type Rlimit struct{ Soft, Hard uint64 }

// RlimitInfinity is RLIM_INFINITY of getrlimit(2).
const RlimitInfinity = ^uint64(0)

// maxRlimits is more than any kernel has of them (RLIM_NLIMITS).
const maxRlimits = 64

// rlimits are the resource limits by number: RLIMIT_CPU is 0.
func rlimits(m *criu_core.TaskRlimitsEntry) []Rlimit {
	var list []Rlimit
	for _, r := range m.GetRlimits()[:min(len(m.GetRlimits()), maxRlimits)] {
		list = append(list, Rlimit{r.GetCur(), r.GetMax()})
	}
	return list
}

// SignalActions are what a process does about signals, as sets: bit n-1 is
// signal n. What is in neither has the default action.
type SignalActions struct {
	Ignored, Caught uint64
}

// signalActions sorts the handlers of all signals but SIGKILL and SIGSTOP,
// which have none.
//
// Source: criu/parasite-syscall.c, compel's PARASITE_CMD_DUMP_SIGACTS.
func signalActions(actions []*sa.SaEntry) SignalActions {
	const (
		sigKill, sigStop, maxSignal = 9, 19, 64
		handlerDefault, handlerIgn  = 0, 1 // SIG_DFL, SIG_IGN
	)
	var s SignalActions
	for signal := 1; signal <= maxSignal && len(actions) > 0; signal++ {
		if signal == sigKill || signal == sigStop {
			continue
		}
		switch actions[0].GetSigaction() {
		case handlerDefault:
		case handlerIgn:
			s.Ignored |= 1 << (signal - 1)
		default:
			s.Caught |= 1 << (signal - 1)
		}
		actions = actions[1:]
	}
	return s
}

// signalActions decodes those of a process: in its core image, or before CRIU
// 2.12 in one of their own.
func (l *loader) signalActions(pid int, tc *criu_core.TaskCoreEntry) SignalActions {
	actions := tc.GetSigactions()
	if name := l.name("sigacts-%d.img", pid); len(actions) == 0 && l.member(name) != nil {
		l.warn.Add(each(l.images, name, criu.MagicSigacts, func(e *sa.SaEntry, _ *criu.Reader) error {
			actions = append(actions, e)
			return nil
		}))
	}
	return signalActions(actions)
}

// Seccomp is the state of secure computing of a thread.
type Seccomp struct {
	Mode    uint32 // SECCOMP_MODE_ of prctl(2)
	Filters int    // how many there are

	all bool // of all threads of the process
}

// seccompFilter is a filter: how long the chain is that ends with it, and
// whether it is to be given to all threads at once. CRIU then saves it with the
// leader alone.
//
// Source: criu/seccomp.c:try_use_tsync.
type seccompFilter struct {
	length int
	tsync  bool
}

// loadSeccomp decodes the filters of all processes.
//
// Source: seccomp.img; criu/seccomp.c:dump_seccomp_filters.
func (l *loader) loadSeccomp() []seccompFilter {
	e, err := one[seccomp.SeccompEntry](l.images, l.name("seccomp.img"), criu.MagicSeccomp)
	if err != nil {
		l.warn.Add(optional(err))
		return nil
	}
	const flagTSYNC = 1 // SECCOMP_FILTER_FLAG_TSYNC
	filters := make([]seccompFilter, len(e.GetSeccompFilters()))
	for i, f := range e.GetSeccompFilters() {
		filters[i] = seccompFilter{1, f.GetFlags()&flagTSYNC != 0}
		if f.Prev != nil && int64(f.GetPrev()) < int64(i) { // a filter comes behind those that it builds on
			filters[i].length += filters[f.GetPrev()].length
		}
	}
	return filters
}

// seccompOf is that of a thread. Old images have it once for the process.
func (l *loader) seccompOf(m *criu_core.ThreadCoreEntry, tc *criu_core.TaskCoreEntry) Seccomp {
	if m == nil {
		return Seccomp{}
	}
	mode, filter, has := m.GetSeccompMode(), m.GetSeccompFilter(), m.SeccompFilter != nil
	if m.SeccompMode == nil {
		mode, filter, has = tc.GetOldSeccompMode(), tc.GetOldSeccompFilter(), tc.GetOldSeccompMode() == criu_core.SeccompMode_filter
	}
	s := Seccomp{Mode: uint32(mode)}
	if has && int64(filter) < int64(len(l.seccomp)) {
		s.Filters, s.all = l.seccomp[filter].length, l.seccomp[filter].tsync
	}
	return s
}

// capabilities joins the words of a capability set.
func capabilities(words []uint32) (set uint64) {
	for i, w := range words[:min(len(words), 2)] {
		set |= uint64(w) << (32 * i)
	}
	return set
}

// Fields of creds_entry that go-criu does not know (images/creds.proto).
const (
	credsNoNewPrivs = 18
	credsCapAmb     = 19
)

// newerCreds decodes those fields.
func newerCreds(m *creds.CredsEntry) (noNewPrivs bool, ambient uint64) {
	noNewPrivs = len(unknown(m, credsNoNewPrivs)) > 0 && unknown(m, credsNoNewPrivs)[0] != 0
	var words []uint32
	for _, w := range unknown(m, credsCapAmb) {
		words = append(words, uint32(w))
	}
	return noNewPrivs, capabilities(words)
}
