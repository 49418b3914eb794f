package decoder

import (
	packet_sock "github.com/checkpoint-restore/go-criu/v7/crit/images/packet-sock"
	sk_netlink "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-netlink"
)

// NetlinkSocket is what a socket of the family AF_NETLINK has.
type NetlinkSocket struct {
	Port   uint32 // its address, often the PID; 0: none yet
	Groups uint32 // multicast groups 1 to 32, as bits
}

func netlinkSocket(e *sk_netlink.NetlinkSkEntry) *Socket {
	n := &NetlinkSocket{Port: e.GetPortid()}
	if len(e.GetGroups()) > 0 {
		n.Groups = e.GetGroups()[0]
	}
	return &Socket{
		NS: e.GetNsId(), Ino: e.GetIno(), Type: SocketRaw, Protocol: e.GetProtocol(),
		Options: socketOptions(e.GetOpts()), Netlink: n,
	}
}

// PacketSocket is what a socket of the family AF_PACKET has, which sees the
// frames of an interface.
type PacketSocket struct {
	Device uint32 // index of the interface; 0: all
}

func packetSocket(e *packet_sock.PacketSockEntry) *Socket {
	proto := uint16(e.GetProtocol()) // in network order
	return &Socket{
		NS: e.GetNsId(), Type: SocketType(e.GetType()), Protocol: uint32(proto>>8 | proto<<8),
		Options: socketOptions(e.GetOpts()), Packet: &PacketSocket{Device: e.GetIfindex()},
	}
}
