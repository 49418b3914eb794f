package decoder

import (
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// socketQueues finds out how many bytes and descriptors wait in the sockets. CRIU saves the
// queues of UNIX sockets, and of TCP where the dump was told to keep
// connections; those of UDP it does not save.
//
// Source: sk-queues.img, tcp-stream-<inode>.img.
func (l *loader) socketQueues() {
	l.warn.Add(optional(each(l.images, l.name("sk-queues.img"), criu.MagicSkQueues, func(e *sk_packet.SkPacketEntry, r *criu.Reader) error {
		err := r.SkipPayload(int64(e.GetLength()))
		if f := l.files[e.GetIdFor()]; f != nil && err == nil {
			if s, ok := f.Details.(*Socket); ok {
				s.Received += int64(e.GetLength())
				for _, scm := range e.GetScm() {
					s.Files += len(scm.GetRights())
				}
			}
		}
		return err
	})))
	for _, s := range l.sockets {
		name := l.name("tcp-stream-%x.img", s.Ino)
		if table := s.Table(); table != "tcp" && table != "tcp6" || l.member(name) == nil {
			continue
		}
		l.warn.Add(each(l.images, name, criu.MagicTCPStream, func(e *tcp_stream.TcpStreamEntry, r *criu.Reader) error {
			received, unsent := int64(e.GetInqLen()), int64(e.GetOutqLen())
			err := r.SkipPayload(received + unsent)
			if err == nil {
				s.Received, s.Unsent = received, unsent
			}
			return err
		}))
	}
}
