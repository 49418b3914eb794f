package procfmt

import "github.com/ckptfs/ckptfs/decoder"

// Files of which CRIU saves nothing, as the kernel has them where there is
// nothing to tell. psutil, gopsutil and prometheus/procfs fail without those
// of accounting.
// [Unavailable] lists them.
//
// Source: fs/proc/base.c.
const (
	IO             = "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"
	Schedstat      = "0 0 0\n"
	OOMScore       = "0\n"
	TimerSlack     = "0\n"
	CoredumpFilter = "00000000\n"
	Wchan          = "0"
	SessionID      = "4294967295" // AUDIT_SID_UNSET
	DeadStatm      = "0 0 0 0 0 0 0\n"
)

// OOMAdj is /proc/pid/oom_adj, the older scale of oom_score_adj.
//
// Source: fs/proc/base.c:oom_adj_read.
func OOMAdj(scoreAdj int) int {
	const (
		scoreMax, adjMax = 1000, 15 // OOM_SCORE_ADJ_MAX, OOM_ADJUST_MAX
		disable          = -17      // OOM_DISABLE
	)
	if scoreAdj == scoreMax {
		return adjMax
	}
	return min(scoreAdj*-disable/scoreMax, adjMax)
}

// Label is /proc/pid/attr/current, and false where the label is not known.
// AppArmor's mode is not saved; a thread without a profile is unconfined.
//
// Source: security/apparmor/procattr.c:aa_getprocattr,
// security/selinux/hooks.c:selinux_lsm_getattr; criu/lsm.c.
func Label(module string, creds *decoder.Creds) (string, bool) {
	switch {
	case creds == nil:
		return "", false
	case module == decoder.LSMSELinux && creds.LSMProfile != "":
		return creds.LSMProfile + "\x00", true
	case module == decoder.LSMAppArmor && creds.LSMProfile != "":
		return creds.LSMProfile + "\n", true
	case module == decoder.LSMAppArmor:
		return "unconfined\n", true
	default:
		return "", false
	}
}
