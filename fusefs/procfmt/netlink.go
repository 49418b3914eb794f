package procfmt

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/ckptfs/ckptfs/decoder"
)

// Netlink writes /proc/net/netlink, by protocol. The kernel's own sockets,
// which have the address 0, are not saved, nor what waits in the others.
//
// Source: net/netlink/af_netlink.c:netlink_native_seq_show.
func Netlink(w io.Writer, sockets []*decoder.Socket) error {
	b := bufio.NewWriter(w)
	b.WriteString("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n")
	sockets = slices.Clone(sockets)
	slices.SortStableFunc(sockets, func(a, b *decoder.Socket) int { return cmp.Compare(a.Protocol, b.Protocol) })
	for _, s := range sockets {
		if s.Netlink != nil && s.Listed() {
			fmt.Fprintf(b, "%s %-3d %-10d %08x %-8d %-8d %-5d %-8d %-8d %-8d\n",
				unknownSocket, s.Protocol, s.Netlink.Port, s.Netlink.Groups, 0, 0, 0, 0, 0, s.Ino)
		}
	}
	return b.Flush()
}

// Packet writes /proc/net/packet. Whether a socket is running, what waits in
// it, and its user and inode number are not saved.
//
// Source: net/packet/af_packet.c:packet_seq_show.
func Packet(w io.Writer, sockets []*decoder.Socket) error {
	b := bufio.NewWriter(w)
	b.WriteString("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n")
	for _, s := range sockets {
		if s.Packet != nil {
			fmt.Fprintf(b, "%s %-6d %-4d %04x   %-5d %1d %-6d %-6d %-6d\n",
				unknownSocket, 0, uint32(s.Type), s.Protocol, s.Packet.Device, 0, 0, 0, s.Ino)
		}
	}
	return b.Flush()
}
