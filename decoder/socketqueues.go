package decoder

import (
	"fmt"
	"strings"

	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// socketQueues are what waits in sockets. CRIU saves the queues of UNIX sockets,
// and of TCP where the dump was told to keep connections; those of UDP it does
// not save.
type socketQueues struct {
	packets []packet    // in the order of the image
	streams []tcpStream // by inode number, ascending
}

// packet is a message that nobody had received from a socket: size bytes at an
// offset of sk-queues.img.
type packet struct {
	file     uint32 // id of the socket in files.img
	at, size int64
	rights   []uint32 // ids of the files that are passed with it: SCM_RIGHTS of unix(7)
}

// tcpStream is the queues of a TCP connection, neither of them padded: from an
// offset of its image on what was received and not read, then what was sent and
// not acknowledged, or not sent yet. Sizes are in bytes.
type tcpStream struct {
	ino                  uint32
	at, received, unsent int64
}

// maxQueued bounds the messages that wait in all sockets together. One with
// borders between them holds a few hundred (net.unix.max_dgram_qlen).
const maxQueued = 1 << 20

// loadSocketQueues finds what waits in sockets, and none of its bytes.
//
// Source: sk-queues.img; criu/sk-queue.c:dump_sk_queue; tcp-stream-<ino>.img,
// where ino is hexadecimal; criu/sk-tcp.c:dump_tcp_conn_state.
func (l *loader) loadSocketQueues() (q socketQueues) {
	l.warn.Add(optional(each(l.images, l.name("sk-queues.img"), criu.MagicSkQueues, func(e *sk_packet.SkPacketEntry, r *criu.Reader) error {
		p := packet{file: e.GetIdFor(), at: r.Offset(), size: int64(e.GetLength())}
		if err := r.SkipPayload(p.size); err != nil {
			return err
		}
		if len(q.packets) == maxQueued {
			return fmt.Errorf("more than %d messages wait in sockets: the rest is left out", maxQueued)
		}
		for _, scm := range e.GetScm() {
			p.rights = append(p.rights, scm.GetRights()...)
		}
		q.packets = append(q.packets, p)
		return nil
	})))
	for _, ino := range l.hexImages("tcp-stream-") {
		var list []tcpStream
		l.warn.Add(each(l.images, l.name("tcp-stream-%x.img", ino), criu.MagicTCPStream, func(e *tcp_stream.TcpStreamEntry, r *criu.Reader) error {
			s := tcpStream{ino, r.Offset(), int64(e.GetInqLen()), int64(e.GetOutqLen())}
			if err := r.SkipPayload(s.received + s.unsent); err != nil {
				return err
			}
			list = append(list, s)
			return nil
		}))
		q.streams = append(q.streams, list[:min(1, len(list))]...) // CRIU writes no more
	}
	return q
}

// countQueues tells the sockets how many bytes and descriptors wait in them.
func (l *loader) countQueues() {
	for _, p := range l.socketQueues.packets {
		if f := l.files[p.file]; f != nil {
			if s, ok := f.Details.(*Socket); ok {
				s.Received += p.size
				s.Files += len(p.rights)
			}
		}
	}
	streams := make(map[uint32]tcpStream, len(l.socketQueues.streams))
	for _, q := range l.socketQueues.streams {
		streams[q.ino] = q
	}
	for _, s := range l.sockets {
		if q, ok := streams[s.Ino]; ok && strings.HasPrefix(s.Table(), "tcp") {
			s.Received, s.Unsent = q.received, q.unsent
		}
	}
}
