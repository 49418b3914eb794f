package report

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
)

// socketInfo is an open socket. The file of that id is in descriptor_tables.
type socketInfo struct {
	FileID        uint32       `json:"file_id"`
	Namespace     uint32       `json:"namespace"` // id of the network namespace
	Inode         uint32       `json:"inode,omitempty"`
	Kind          string       `json:"kind"` // tcp, tcp6, udp, unix/stream, netlink/0, ...
	State         string       `json:"state"`
	Local         string       `json:"local,omitempty"`
	Remote        string       `json:"remote,omitempty"` // of a UNIX socket, its peer and who holds that
	Received      int64        `json:"received_bytes"`   // that nobody has read yet
	Unsent        int64        `json:"unsent_bytes"`     // that the other end has not acknowledged
	SendBuffer    uint32       `json:"send_buffer_bytes"`
	ReceiveBuffer uint32       `json:"receive_buffer_bytes"`
	Options       []string     `json:"options"`
	Holders       []holderInfo `json:"holders"`
}

type holderInfo struct {
	PID int `json:"pid"`
	FD  int `json:"fd"`
}

func socketsOf(ck *decoder.Checkpoint) []socketInfo {
	sockets := []socketInfo{}
	for _, s := range ck.Sockets() {
		info := socketInfo{
			FileID: s.File.ID, Namespace: s.NS, Inode: s.Ino,
			Kind: procfmt.SocketKind(s), State: s.State.String(), Local: s.Local(), Remote: procfmt.SocketRemote(ck, s),
			Received: s.Received, Unsent: s.Unsent, SendBuffer: s.Options.SendBuffer, ReceiveBuffer: s.Options.ReceiveBuffer,
			Options: list(procfmt.SocketOptions(s)), Holders: []holderInfo{},
		}
		for _, h := range s.Holders {
			info.Holders = append(info.Holders, holderInfo{h.Process.PID, h.FD})
		}
		sockets = append(sockets, info)
	}
	return sockets
}

// writeSockets writes a line for each socket, those of a further namespace
// under its id.
func writeSockets(b *bufio.Writer, s *summary) {
	fmt.Fprintf(b, "%-14s %-11s %8s %8s %-16s %-22s %s\n", "SOCKET", "STATE", "RECEIVED", "UNSENT", "PROCESSES", "LOCAL", "REMOTE")
	for i, so := range s.Sockets {
		if i > 0 && so.Namespace != s.Sockets[i-1].Namespace {
			fmt.Fprintf(b, "in network namespace %d:\n", so.Namespace)
		}
		var pids []int
		for _, h := range so.Holders {
			pids = append(pids, h.PID)
		}
		slices.Sort(pids)
		fmt.Fprintf(b, "%-14s %-11s %8d %8d %-16s %-22s %s\n", so.Kind, so.State, so.Received, so.Unsent, pidsText(slices.Compact(pids)),
			cmp.Or(escape.String(so.Local), "-"), cmp.Or(escape.String(so.Remote), "-"))
	}
}
