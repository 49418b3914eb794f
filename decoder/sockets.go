package decoder

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// Socket is an open socket. One of Inet, Unix, Netlink and Packet says what
// only sockets of its family have; none of them of a family that is not known.
//
// Source: the messages inet_sk_entry, unix_sk_entry, netlink_sk_entry and
// packet_sock_entry in files.img.
type Socket struct {
	File     *File
	NS       uint32 // CRIU's id of the network namespace
	Ino      uint32 // inode number; 0 for packet sockets, whose CRIU does not save
	Type     SocketType
	Protocol uint32 // of IP, of netlink, or of Ethernet, by family
	State    SocketState
	Backlog  uint32 // of a listening one: the connections that may wait
	Shutdown Shutdown
	Options  SocketOptions
	Received int64 // bytes that nobody has read yet, as far as they are saved
	Unsent   int64 // bytes that the other end has not acknowledged; of TCP only
	Files    int   // descriptors in messages that nobody has read yet: SCM_RIGHTS of unix(7)
	Holders  []Holder

	Inet    *InetSocket
	Unix    *UnixSocket
	Netlink *NetlinkSocket
	Packet  *PacketSocket
}

func (*Socket) details() {}

// Holder is a descriptor that refers to an open file.
type Holder struct {
	Process *Process
	FD      int
}

// SocketType is that of socket(2).
type SocketType uint32

// The types of sockets.
const (
	SocketStream    SocketType = 1 // SOCK_STREAM
	SocketDatagram  SocketType = 2 // SOCK_DGRAM
	SocketRaw       SocketType = 3 // SOCK_RAW
	SocketSeqpacket SocketType = 5 // SOCK_SEQPACKET
)

func (t SocketType) String() string {
	switch t {
	case SocketStream:
		return "stream"
	case SocketDatagram:
		return "dgram"
	case SocketRaw:
		return "raw"
	case SocketSeqpacket:
		return "seqpacket"
	default:
		return fmt.Sprint(uint32(t))
	}
}

// SocketState is the state of a socket, that of TCP for all families.
//
// Source: include/net/tcp_states.h.
type SocketState uint32

// The states that have to be told apart.
const (
	StateEstablished SocketState = 1  // TCP_ESTABLISHED
	StateFinWait1    SocketState = 4  // TCP_FIN_WAIT1
	StateClose       SocketState = 7  // TCP_CLOSE; of a datagram socket: not connected
	StateLastAck     SocketState = 9  // TCP_LAST_ACK
	StateListen      SocketState = 10 // TCP_LISTEN
	StateClosing     SocketState = 11 // TCP_CLOSING
)

var socketStates = []string{
	"-", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
}

func (s SocketState) String() string {
	if int64(s) < int64(len(socketStates)) {
		return socketStates[s]
	}
	return fmt.Sprint(uint32(s))
}

// Shutdown says which directions of a socket were shut: shutdown(2).
type Shutdown uint32

// The directions, as bits.
const (
	ShutdownRead  Shutdown = 1
	ShutdownWrite Shutdown = 2
)

// Table is the file of /proc/net that lists sockets such as s; "" for one of
// a kind that is not known.
func (s *Socket) Table() string {
	switch {
	case s.Inet != nil:
		return s.Inet.table(s.Type, s.Protocol)
	case s.Unix != nil:
		return "unix"
	case s.Netlink != nil:
		return "netlink"
	case s.Packet != nil:
		return "packet"
	default:
		return ""
	}
}

// Listed tells whether the kernel lists s in that file: a socket without a
// port, or without a netlink address, is in none of its tables.
//
// Source: net/ipv4/inet_hashtables.c, net/ipv4/udp.c:udp_lib_get_port,
// net/netlink/af_netlink.c:netlink_insert.
func (s *Socket) Listed() bool {
	switch table := s.Table(); table {
	case "":
		return false
	case "netlink":
		return s.Netlink.Port != 0
	case "tcp", "tcp6":
		return s.State != StateClose
	case "unix", "packet", "raw", "raw6":
		return true
	default:
		return s.Inet.Local.Port() != 0
	}
}

// Local is the socket's own address as text: 127.0.0.1:80, the name of a UNIX
// socket as /proc/net/unix has it, the address of a netlink socket. It is ""
// where it has none. Any byte may occur in it.
func (s *Socket) Local() string {
	switch {
	case s.Inet != nil:
		return s.endpoint(s.Inet.Local)
	case s.Unix != nil:
		return s.Unix.KernelName()
	case s.Netlink != nil && s.Netlink.Port != 0:
		return fmt.Sprint(s.Netlink.Port)
	default:
		return ""
	}
}

// Remote is the address of the other end of an IP socket, as text, or "".
// The other end of a UNIX socket is [Checkpoint.Peer].
func (s *Socket) Remote() string {
	if s.Inet == nil {
		return ""
	}
	return s.endpoint(s.Inet.Remote)
}

// endpoint is an address as text. What stands in the place of a raw socket's
// port is its protocol.
func (s *Socket) endpoint(a netip.AddrPort) string {
	switch {
	case s.Type == SocketRaw && a.Addr().IsUnspecified(), a.Port() == 0 && a.Addr().IsUnspecified():
		return ""
	case s.Type == SocketRaw:
		return a.Addr().String()
	default:
		return a.String()
	}
}

// maxHolders bounds the holders of all sockets together: of a hostile archive
// every process can have the same large table of descriptors.
const maxHolders = 1 << 20

func (l *loader) holders(processes []*Process) {
	left := maxHolders
	for _, p := range processes {
		for _, d := range p.Descriptors {
			s, ok := d.File.Details.(*Socket)
			if !ok {
				continue
			}
			if left--; left < 0 {
				l.warn.Addf("more than %d descriptors are of sockets: not all holders are known", maxHolders)
				return
			}
			s.Holders = append(s.Holders, Holder{p, d.FD})
		}
	}
}

// Sockets lists all open sockets, those of each network namespace in the
// order in which they were made, which is that of their inode numbers.
func (c *Checkpoint) Sockets() []*Socket { return c.loader.sockets }

// Peer is the socket that the UNIX socket s is connected to; nil where there is
// none, or it is not in the checkpoint.
func (c *Checkpoint) Peer(s *Socket) *Socket {
	if s.Unix == nil || s.Unix.Peer == 0 {
		return nil
	}
	return c.loader.unixPeers[s.Unix.Peer]
}

// loadSockets finds the sockets among the open files, and who holds them. Those
// of images that do not name a namespace are in that of the first process.
func (l *loader) loadSockets(processes []*Process) {
	for _, f := range l.files {
		s, ok := f.Details.(*Socket)
		if !ok {
			continue
		}
		s.File = f
		if s.NS == 0 && len(processes) > 0 && processes[0].IDs != nil {
			s.NS = processes[0].IDs.Net
		}
		l.sockets = append(l.sockets, s)
	}
	slices.SortFunc(l.sockets, func(a, b *Socket) int {
		return cmp.Or(cmp.Compare(a.NS, b.NS), cmp.Compare(a.Ino, b.Ino), cmp.Compare(a.File.ID, b.File.ID))
	})
	l.unixPeers = make(map[uint32]*Socket)
	for _, s := range l.sockets {
		if s.Unix != nil {
			l.unixPeers[s.Ino] = s
		}
	}
	l.holders(processes)
	l.socketQueues = l.loadSocketQueues()
	l.countQueues()
}
