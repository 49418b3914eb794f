package decoder_test

import (
	"fmt"
	"testing"

	ipc_var "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-var"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// ipcSettings is an image of settings 1, 2, 3 and so on, in the order of its
// fields.
func ipcSettings(semaphoreLimits ...uint32) []byte {
	n := uint32(0)
	next := func() *uint32 { n++; return proto.Uint32(n) }
	return decodertest.Image(criu.MagicIPCVar, &ipc_var.IpcVarEntry{
		SemCtls:    semaphoreLimits,
		MsgCtlmax:  next(),
		MsgCtlmnb:  next(),
		MsgCtlmni:  next(),
		AutoMsgmni: next(),
		ShmCtlmax:  proto.Uint64(1 << 63), ShmCtlall: proto.Uint64(6),
		ShmCtlmni:     next(),
		ShmRmidForced: next(),
		MqQueuesMax:   next(), MqMsgMax: next(), MqMsgsizeMax: next(),
		MqMsgDefault: next(),
	})
}

func TestIPCSysctls(t *testing.T) {
	const common = "{kernel/auto_msgmni [4]} {kernel/msgmax [1]} {kernel/msgmnb [2]} {kernel/msgmni [3]} {kernel/shm_rmid_forced [6]} " +
		"{kernel/shmall [6]} {kernel/shmmax [9223372036854775808]} {kernel/shmmni [5]} " +
		"{fs/mqueue/msg_max [8]} {fs/mqueue/msgsize_max [9]} {fs/mqueue/queues_max [7]}"
	for _, test := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"all", ipcSettings(10, 20, 30, 40), "[" + common + " {kernel/sem [10 20 30 40]} {fs/mqueue/msg_default [10]}]"},
		{"too many limits of semaphores", ipcSettings(10, 20, 30, 40, 50), "[" + common + " {fs/mqueue/msg_default [10]}]"},
		{"no image", nil, "[]"},
	} {
		ck := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1}}, Members: map[string][]byte{"checkpoint/ipcns-var-11.img": test.image}}.Open(t)
		got := "[]"
		if ns := ck.IPCOf(ck.Processes[0]); ns != nil {
			got = fmt.Sprint(ns.Sysctls)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
