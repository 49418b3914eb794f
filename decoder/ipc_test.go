package decoder_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	ipc_desc "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-desc"
	ipc_msg "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-shm"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

func ipcDesc(id uint32) *ipc_desc.IpcDescEntry {
	zero := proto.Uint32(0)
	return &ipc_desc.IpcDescEntry{
		Key: proto.Uint32(0x1234), Id: &id, Uid: zero, Gid: zero, Cuid: zero, Cgid: zero, Mode: proto.Uint32(0o600),
	}
}

// queueImage is an image of one queue that says it has n messages, and has
// those given, of type 7 on.
func queueImage(n int, messages ...string) []byte {
	b := decodertest.Image(criu.MagicIPCNSMsg, &ipc_msg.IpcMsgEntry{Desc: ipcDesc(5), Qbytes: proto.Uint32(16384), Qnum: proto.Uint32(uint32(n))})
	for i, m := range messages {
		entry := decodertest.Image(criu.MagicIPCNSMsg, &ipc_msg.IpcMsg{Mtype: proto.Uint64(uint64(7 + i)), Msize: proto.Uint32(uint32(len(m)))})
		b = append(b, entry[8:]...) // without the magics
		b = append(b, m...)
		b = append(b, make([]byte, -len(m)&7)...)
	}
	return b
}

func semaphoreImage(values ...uint16) []byte {
	b := decodertest.Image(criu.MagicIPCNSSem, &ipc_sem.IpcSemEntry{Desc: ipcDesc(3), Nsems: proto.Uint32(uint32(len(values)))})
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return append(b, make([]byte, -2*len(values)&7)...)
}

func segmentImage(size uint64) []byte {
	return decodertest.Image(criu.MagicIPCNSShm, &ipc_shm.IpcShmEntry{Desc: ipcDesc(4), Size: &size})
}

func TestIPC(t *testing.T) {
	const msg, sem = "checkpoint/ipcns-msg-11.img", "checkpoint/ipcns-sem-11.img"
	for _, test := range []struct {
		name    string
		members map[string][]byte
		want    string
		warning string
	}{
		{"none", nil, "", ""},
		{"a namespace without any", map[string][]byte{"checkpoint/ipcns-var-12.img": ipcSettings()}, "12:", ""},
		{"a namespace with broken settings", map[string][]byte{"checkpoint/ipcns-var-12.img": {}}, "12:", "reading the magic"},
		{"messages", map[string][]byte{msg: queueImage(2, "SECRET", "12345678")}, "11: 5 7=SECRET 8=12345678", ""},
		{"an empty message", map[string][]byte{msg: queueImage(2, "", "x")}, "11: 5 7= 8=x", ""},
		{"fewer messages than said", map[string][]byte{msg: queueImage(1<<31, "a")}, "11: 5 7=a", "a queue of 2147483648 messages ends after 1"},
		{"a message that is cut off", map[string][]byte{msg: cut(queueImage(1, "12345678"))}, "11: 5", "a payload of 8 bytes"},
		{"semaphores", map[string][]byte{sem: semaphoreImage(1, 65535, 3, 4, 5)}, "11: 3 [1 65535 3 4 5]", ""},
		{"semaphores that are cut off", map[string][]byte{sem: cut(semaphoreImage(1, 2, 3))}, "11: 3 []", "a payload of 8 bytes"},
		{"a segment larger than there can be", map[string][]byte{"checkpoint/ipcns-shm-11.img": segmentImage(math.MaxUint64)}, "", "segment 4: impossible size 18446744073709551615"},
		{"two namespaces", map[string][]byte{sem: semaphoreImage(1), "checkpoint/ipcns-sem-9.img": semaphoreImage(2)}, "9: 3 [2]; 11: 3 [1]", ""},
	} {
		c := decodertest.Checkpoint{Files: map[uint32]string{0: "/", 1: "/sh"}, Processes: []decodertest.Process{{PID: 1, Comm: "sh"}}, Members: test.members}
		ck := c.Open(t)
		var all []string
		for _, ns := range ck.IPC {
			text := fmt.Sprintf("%d:", ns.ID)
			for _, s := range ns.Semaphores {
				text += fmt.Sprintf(" %d %v", s.ID, s.Values)
			}
			for _, q := range ns.Queues {
				text += fmt.Sprintf(" %d", q.ID)
				for _, m := range q.Messages {
					text += fmt.Sprintf(" %d=%s", m.Type, payload(t, m))
				}
			}
			all = append(all, text)
		}
		if got := strings.Join(all, "; "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if got := strings.Join(ck.Warnings.List(), "; "); test.warning == "" && got != "" || !strings.Contains(got, test.warning) {
			t.Errorf("%s: warnings %q, want %q", test.name, got, test.warning)
		}
	}
}

// cut is b without its last byte.
func cut(b []byte) []byte { return b[:len(b)-1] }

func payload(t *testing.T, m decoder.IPCMessage) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(m, m.Off, m.Len))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
