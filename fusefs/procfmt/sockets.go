package procfmt

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// Sockets writes a line for each socket, those too that the kernel lists in no
// file, its fields separated by tabs:
//
//	kind state local remote inode received unsent holders options
//
// Where there is nothing to say, a field is "-". The remote of a UNIX socket
// is the name, or else the inode number, of the other end and, in parentheses,
// who holds that. Received are the bytes that nobody has read yet, unsent those
// that the other end has not acknowledged. Holders are pid/fd:comm, separated
// by commas, of each process that has the socket open.
func Sockets(w io.Writer, ck *decoder.Checkpoint, sockets []*decoder.Socket) error {
	b := bufio.NewWriter(w)
	for _, s := range sockets {
		fmt.Fprintf(b, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n",
			SocketKind(s), s.State, field(s.Local()), field(SocketRemote(ck, s)), s.Ino, s.Received, s.Unsent,
			field(holders(s.Holders)), field(strings.Join(SocketOptions(s), " ")))
	}
	return b.Flush()
}

func field(text string) string { return cmp.Or(escape.String(text), "-") }

// SocketKind names a socket by its family, its type where there are several,
// and its protocol.
func SocketKind(s *decoder.Socket) string {
	switch table := s.Table(); table {
	case "unix":
		return fmt.Sprintf("unix/%s", s.Type)
	case "netlink", "raw", "raw6":
		return fmt.Sprintf("%s/%d", table, s.Protocol)
	case "packet":
		return fmt.Sprintf("packet/%s/%#04x", s.Type, s.Protocol)
	case "":
		return fmt.Sprintf("unknown/%s/%d", s.Type, s.Protocol)
	default:
		return table
	}
}

// SocketRemote is the other end of a socket: its address, and of a UNIX socket
// its name or inode number and who holds it.
func SocketRemote(ck *decoder.Checkpoint, s *decoder.Socket) string {
	if s.Unix == nil || s.Unix.Peer == 0 {
		return s.Remote()
	}
	text := fmt.Sprintf("socket:[%d]", s.Unix.Peer)
	if peer := ck.Peer(s); peer != nil {
		text = withHolders(cmp.Or(peer.Local(), text), peer)
	}
	return text
}

// withHolders puts behind the name of a socket who holds it.
func withHolders(name string, s *decoder.Socket) string {
	who := s.Holders[:min(len(s.Holders), maxPeerHolders)]
	switch {
	case len(who) == 0:
		return name
	case len(who) < len(s.Holders):
		return fmt.Sprintf("%s (%s and %d more)", name, holders(who), len(s.Holders)-len(who))
	default:
		return fmt.Sprintf("%s (%s)", name, holders(who))
	}
}

// maxPeerHolders is how many holders of the other end are named. Of a hostile
// archive all sockets can be connected to one that a million descriptors hold.
const maxPeerHolders = 64

func holders(all []decoder.Holder) string {
	var list []string
	for _, h := range all {
		list = append(list, fmt.Sprintf("%d/%d:%s", h.Process.PID, h.FD, h.Process.Comm))
	}
	return strings.Join(list, ",")
}

// SocketOptions are the options that are set, by the names of socket(7), ip(7),
// tcp(7) and packet(7). A filter is written as the kernel's bpf_dbg loads it:
// how many instructions there are, and the four numbers of each.
func SocketOptions(s *decoder.Socket) []string {
	var list []string
	add := func(is bool, format string, args ...any) {
		if is {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	o := s.Options
	add(s.State == decoder.StateListen, "backlog=%d", s.Backlog)
	add(s.Shutdown&decoder.ShutdownRead != 0, "shut-read")
	add(s.Shutdown&decoder.ShutdownWrite != 0, "shut-write")
	add(o.ReuseAddr, "reuseaddr")
	add(o.ReusePort, "reuseport")
	add(o.Broadcast, "broadcast")
	add(o.KeepAlive, "keepalive")
	add(o.PassCred, "passcred")
	add(o.NoDelay, "nodelay")
	add(o.Cork, "cork")
	add(o.FreeBind, "freebind")
	add(o.HeaderIncluded, "hdrincl")
	add(o.V6Only, "v6only")
	add(o.Mark != 0, "mark=%#x", o.Mark)
	add(o.BoundDevice != "", "dev=%s", o.BoundDevice)
	if s.Packet != nil {
		add(s.Packet.Device != 0, "ifindex=%d", s.Packet.Device)
	}
	if s.Netlink != nil {
		add(s.Netlink.Groups != 0, "groups=%#x", s.Netlink.Groups)
	}
	if u := s.Unix; u != nil {
		add(u.Deleted, "deleted")
		add(u.Dir != "", "dir=%s", u.Dir)
		if u.Perms != nil {
			list = append(list, fmt.Sprintf("mode=%04o uid=%d gid=%d", u.Perms.Mode&0o7777, u.Perms.UID, u.Perms.GID))
		}
	}
	if len(o.Filter) > 0 {
		text := fmt.Sprintf("filter=%d", len(o.Filter))
		for _, i := range o.Filter {
			text += fmt.Sprintf(",%d %d %d %d", i.Code, i.JT, i.JF, i.K)
		}
		list = append(list, text)
	}
	return list
}

// Interfaces writes what the engine says of the container's network, a line for
// each interface, its fields separated by tabs:
//
//	network interface addresses gateways MAC name-servers
//
// Where there is nothing to say, a field is "-".
func Interfaces(w io.Writer, list []decoder.Interface) error {
	b := bufio.NewWriter(w)
	for _, i := range list {
		fmt.Fprintf(b, "%s\t%s\t%s\t%s\t%s\t%s\n", field(i.Network), field(i.Name), field(strings.Join(i.Addresses, ",")),
			field(strings.Join(i.Gateways, ",")), field(i.MAC), field(strings.Join(i.DNS, ",")))
	}
	return b.Flush()
}
