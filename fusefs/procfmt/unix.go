package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// Unix writes /proc/net/unix, in the order of the inode numbers. References
// and the kernel's addresses are not saved.
//
// A client that nobody has accepted yet is connected to a socket that has the
// name of the listening one and no inode; CRIU saves the client, and which
// socket it waits at, so that this row is known too.
//
// Source: net/unix/af_unix.c:unix_seq_show.
func Unix(w io.Writer, sockets []*decoder.Socket) error {
	const unconnected, connecting, connected = 1, 2, 3 // SS_ of include/uapi/linux/net.h
	b := bufio.NewWriter(w)
	b.WriteString("Num       RefCount Protocol Flags    Type St Inode Path\n")
	row := func(s *decoder.Socket, flags, state int, ino uint32) {
		fmt.Fprintf(b, "%s: %08X %08X %08X %04X %02X %5d", unknownSocket, 0, 0, flags, uint32(s.Type), state, ino)
		if name := s.Unix.KernelName(); name != "" {
			b.WriteString(" " + name)
		}
		b.WriteByte('\n')
	}
	waiting := make(map[uint32]int) // clients, by the inode of the socket that listens
	for _, s := range sockets {
		if s.Unix != nil && s.State == decoder.StateEstablished && s.Type != decoder.SocketDatagram {
			waiting[s.Unix.Peer]++
		}
	}
	for _, s := range sockets {
		if s.Unix == nil {
			continue
		}
		flags, state := 0, unconnected
		switch s.State {
		case decoder.StateListen:
			flags = 1 << 16 // __SO_ACCEPTCON
		case decoder.StateEstablished:
			state = connected
		default:
		}
		row(s, flags, state, s.Ino)
		if s.State == decoder.StateListen {
			for range waiting[s.Ino] {
				row(s, 0, connecting, 0)
			}
		}
	}
	return b.Flush()
}
