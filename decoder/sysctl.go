package decoder

import (
	ipc_var "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-var"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Sysctl is a setting of the kernel or of a namespace.
type Sysctl struct {
	Name   string // path below /proc/sys
	Values []uint64
}

// ipcSysctls decodes the settings of an IPC namespace.
//
// Source: ipcns-var-<ns>.img; criu/ipc_ns.c:ipc_sysctl_req.
func (l *loader) ipcSysctls(name string) ([]Sysctl, error) {
	e, err := one[ipc_var.IpcVarEntry](l.images, name, criu.MagicIPCVar)
	if err != nil {
		return nil, err
	}
	list := []Sysctl{
		{"kernel/auto_msgmni", []uint64{uint64(e.GetAutoMsgmni())}},
		{"kernel/msgmax", []uint64{uint64(e.GetMsgCtlmax())}},
		{"kernel/msgmnb", []uint64{uint64(e.GetMsgCtlmnb())}},
		{"kernel/msgmni", []uint64{uint64(e.GetMsgCtlmni())}},
		{"kernel/shm_rmid_forced", []uint64{uint64(e.GetShmRmidForced())}},
		{"kernel/shmall", []uint64{e.GetShmCtlall()}},
		{"kernel/shmmax", []uint64{e.GetShmCtlmax()}},
		{"kernel/shmmni", []uint64{uint64(e.GetShmCtlmni())}},
		{"fs/mqueue/msg_max", []uint64{uint64(e.GetMqMsgMax())}},
		{"fs/mqueue/msgsize_max", []uint64{uint64(e.GetMqMsgsizeMax())}},
		{"fs/mqueue/queues_max", []uint64{uint64(e.GetMqQueuesMax())}},
	}
	// SEMMSL, SEMMNS, SEMOPM, SEMMNI.
	const semaphoreLimits = 4
	if limits := e.GetSemCtls(); len(limits) == semaphoreLimits {
		values := make([]uint64, semaphoreLimits)
		for i, v := range limits {
			values[i] = uint64(v)
		}
		list = append(list, Sysctl{"kernel/sem", values})
	}
	// Older images lack these.
	if e.MqMsgDefault != nil {
		list = append(list, Sysctl{"fs/mqueue/msg_default", []uint64{uint64(e.GetMqMsgDefault())}})
	}
	if e.MqMsgsizeDefault != nil {
		list = append(list, Sysctl{"fs/mqueue/msgsize_default", []uint64{uint64(e.GetMqMsgsizeDefault())}})
	}
	return list, nil
}
