package decoder

import (
	"encoding/binary"
	"net/netip"

	sk_inet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-inet"
)

// InetSocket is what a socket of IPv4 or IPv6 has.
type InetSocket struct {
	IPv6          bool
	Local, Remote netip.AddrPort
}

// IP protocols that have a table of their own in /proc/net (RFC 1700).
const (
	protoICMP    = 1
	protoTCP     = 6
	protoUDP     = 17
	protoICMPv6  = 58
	protoUDPLite = 136
)

// table is the name of the file of /proc/net. It is the type that decides: any
// protocol may be that of a raw socket.
func (s *InetSocket) table(t SocketType, protocol uint32) string {
	var name string
	switch {
	case t == SocketRaw:
		name = "raw"
	case t == SocketStream && protocol == protoTCP:
		name = "tcp"
	case t == SocketDatagram && protocol == protoUDP:
		name = "udp"
	case t == SocketDatagram && protocol == protoUDPLite:
		name = "udplite"
	case t == SocketDatagram && (protocol == protoICMP || protocol == protoICMPv6):
		name = "icmp"
	default:
		return ""
	}
	if s.IPv6 {
		name += "6"
	}
	return name
}

// inetSocket decodes a socket of IP. The family of a hostile one may be any.
func inetSocket(e *sk_inet.InetSkEntry) *Socket {
	const familyInet, familyInet6 = 2, 10 // AF_INET, AF_INET6
	s := &Socket{
		NS: e.GetNsId(), Ino: e.GetIno(), Type: SocketType(e.GetType()), Protocol: e.GetProto(),
		State: SocketState(e.GetState()), Backlog: e.GetBacklog(), Shutdown: Shutdown(e.GetShutdown()),
		Options: socketOptions(e.GetOpts()),
	}
	s.Options.inet(e)
	v6 := e.GetFamily() == familyInet6
	if v6 || e.GetFamily() == familyInet {
		s.Inet = &InetSocket{
			IPv6:   v6,
			Local:  inetAddress(v6, e.GetSrcAddr(), e.GetSrcPort(), e.GetIfname()),
			Remote: inetAddress(v6, e.GetDstAddr(), e.GetDstPort(), ""),
		}
	}
	return s
}

// inetAddress is an address of which CRIU keeps the words as they are in
// memory, in network order. Words that are not there are 0.
func inetAddress(v6 bool, words []uint32, port uint32, zone string) netip.AddrPort {
	var b [16]byte
	for i, w := range words[:min(len(words), 4)] {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	if !v6 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(port))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b).WithZone(zone), uint16(port))
}
