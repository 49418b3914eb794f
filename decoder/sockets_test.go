package decoder_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	packet_sock "github.com/checkpoint-restore/go-criu/v7/crit/images/packet-sock"
	sk_inet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-inet"
	sk_netlink "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-netlink"
	sk_opts "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-opts"
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	sk_unix "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-unix"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

var nobody = &fown.FownEntry{Uid: proto.Uint32(0), Euid: proto.Uint32(0), Signum: proto.Uint32(0), PidType: proto.Uint32(0), Pid: proto.Uint32(0)}

func socketOpts() *sk_opts.SkOptsEntry {
	zero := proto.Uint64(0)
	return &sk_opts.SkOptsEntry{
		SoSndbuf: proto.Uint32(0), SoRcvbuf: proto.Uint32(0),
		SoSndTmoSec: zero, SoSndTmoUsec: zero, SoRcvTmoSec: zero, SoRcvTmoUsec: zero,
	}
}

func inet(family, typ, protocol, state, port uint32, address ...uint32) *sk_inet.InetSkEntry {
	zero := proto.Uint32(0)
	return &sk_inet.InetSkEntry{
		Id: proto.Uint32(1), Ino: proto.Uint32(100), Family: &family, Type: &typ, Proto: &protocol, State: &state,
		SrcPort: &port, DstPort: zero, Flags: zero, Backlog: zero, SrcAddr: address, Fown: nobody, Opts: socketOpts(),
	}
}

func unix(id, ino, peer, state uint32, name string) *fdinfo.FileEntry {
	zero := proto.Uint32(0)
	return &fdinfo.FileEntry{Type: fdinfo.FdTypes_UNIXSK.Enum(), Id: &id, Usk: &sk_unix.UnixSkEntry{
		Id: &id, Ino: &ino, Type: proto.Uint32(1), State: &state, Flags: zero, Uflags: zero, Backlog: zero, Peer: &peer,
		Fown: nobody, Opts: socketOpts(), Name: []byte(name),
	}}
}

// opened is a checkpoint whose processes 1 and 2 share a table with the
// descriptor 3 of file 1, and 4 of file 2.
func opened(t *testing.T, members map[string][]byte, files ...proto.Message) *decoder.Checkpoint {
	t.Helper()
	fd := func(n, id uint32) proto.Message {
		return &fdinfo.FdinfoEntry{Id: &id, Flags: proto.Uint32(0), Type: fdinfo.FdTypes_INETSK.Enum(), Fd: &n}
	}
	c := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}, {PID: 2, PPID: 1, Comm: "sh"}},
		Members: map[string][]byte{
			"checkpoint/files.img":    decodertest.Image(criu.MagicFiles, files...),
			"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo, fd(3, 1), fd(4, 2)),
		},
	}
	for name, content := range members {
		c.Members[name] = content
	}
	return c.Open(t)
}

func TestInetSockets(t *testing.T) {
	const (
		inet4, inet6       = 2, 10
		stream, dgram, raw = 1, 2, 3
		close, established = 7, 1
		loopback           = 0x0100007f
	)
	one := uint32(0x01000000)
	for _, test := range []struct {
		name   string
		socket *sk_inet.InetSkEntry
		table  string
		listed bool
		local  string
	}{
		{"TCP", inet(inet4, stream, 6, established, 80, loopback), "tcp", true, "127.0.0.1:80"},
		{"TCP, nowhere bound", inet(inet4, stream, 6, close, 0, 0), "tcp", false, ""},
		{"IPv6", inet(inet6, stream, 6, established, 80, 0xb80d0120, 0, 0, one), "tcp6", true, "[2001:db8::1]:80"},
		{"IPv4 in IPv6", inet(inet6, stream, 6, established, 80, 0, 0, 0xffff0000, loopback), "tcp6", true, "[::ffff:127.0.0.1]:80"},
		{"UDP", inet(inet4, dgram, 17, close, 53, loopback), "udp", true, "127.0.0.1:53"},
		{"UDP, nowhere bound", inet(inet4, dgram, 17, close, 0, 0), "udp", false, ""},
		{"ping", inet(inet6, dgram, 58, close, 7, 0, 0, 0, one), "icmp6", true, "[::1]:7"},
		{"raw, of the protocol of TCP", inet(inet4, raw, 6, close, 6, loopback), "raw", true, "127.0.0.1"},
		{"a protocol that is not known", inet(inet4, stream, 132, established, 80, loopback), "", false, "127.0.0.1:80"},
		{"a family that is not known", inet(99, stream, 6, established, 80, loopback), "", false, ""},
		{"no address", inet(inet6, stream, 6, established, 80), "tcp6", true, "[::]:80"},
		{"too long an address", inet(inet4, stream, 6, established, 80, loopback, 1, 2, 3, 4, 5), "tcp", true, "127.0.0.1:80"},
		{"too large a port", inet(inet4, stream, 6, established, 1<<16+80, loopback), "tcp", true, "127.0.0.1:80"},
		{"a state that is not known", inet(inet4, stream, 6, 1<<31, 80, loopback), "tcp", true, "127.0.0.1:80"},
	} {
		ck := opened(t, nil, &fdinfo.FileEntry{Type: fdinfo.FdTypes_INETSK.Enum(), Id: proto.Uint32(1), Isk: test.socket})
		if len(ck.Sockets()) != 1 {
			t.Fatalf("%s: %d sockets", test.name, len(ck.Sockets()))
		}
		s := ck.Sockets()[0]
		if s.Table() != test.table || s.Listed() != test.listed || s.Local() != test.local {
			t.Errorf("%s: %q in table %q, listed %v, want %q, %q, %v", test.name, s.Local(), s.Table(), s.Listed(), test.local, test.table, test.listed)
		}
		if len(s.Holders) != 2 || s.Holders[1].Process.PID != 2 || s.Holders[1].FD != 3 {
			t.Errorf("%s: held by %v, want descriptor 3 of both processes", test.name, s.Holders)
		}
	}
}

func TestOtherSockets(t *testing.T) {
	zero := proto.Uint32(0)
	filter := socketOpts()
	filter.SoFilter = []uint64{0x0015000100000800}
	filter.SoMark = proto.Uint32(7)
	ck := opened(t, nil,
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_NETLINKSK.Enum(), Id: proto.Uint32(1), Nlsk: &sk_netlink.NetlinkSkEntry{
			Id: proto.Uint32(1), Ino: proto.Uint32(200), Protocol: proto.Uint32(15), State: zero, Flags: zero, Portid: proto.Uint32(4242),
			Groups: []uint32{3}, DstPortid: zero, DstGroup: zero, Fown: nobody, Opts: socketOpts(),
		}},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_PACKETSK.Enum(), Id: proto.Uint32(2), Psk: &packet_sock.PacketSockEntry{
			Id: proto.Uint32(2), Type: proto.Uint32(3), Protocol: proto.Uint32(0x0300), Flags: zero, Ifindex: proto.Uint32(5), Fown: nobody, Opts: filter,
			Version: zero, Reserve: zero, AuxData: proto.Bool(false), OrigDev: proto.Bool(false), VnetHdr: proto.Bool(false), Loss: proto.Bool(false),
			Timestamp: zero, CopyThresh: zero,
		}},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_INETSK.Enum(), Id: proto.Uint32(3)}, // nothing about it
	)
	var got []string
	for _, s := range ck.Sockets() {
		text := fmt.Sprintf("%s %s %d %d %v", s.Table(), s.Local(), s.Ino, s.Protocol, s.Options.Filter)
		if s.Packet != nil {
			text += fmt.Sprint(" ", s.Packet.Device, s.Options.Mark)
		}
		got = append(got, text)
	}
	want := []string{"packet  0 3 [{21 0 1 2048}] 5 7", "  0 0 []", "netlink 4242 200 15 []"}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("sockets %q, want %q", got, want)
	}
}

func TestUnixSockets(t *testing.T) {
	ck := opened(t, nil,
		unix(1, 300, 0, 10, "/run/a b\nc\x00"),
		unix(2, 301, 302, 1, ""),
		unix(3, 302, 301, 1, "\x00abstract\x00\x00"),
		unix(4, 303, 999, 1, "relative\x00"),
		unix(5, 304, 304, 1, strings.Repeat("x", 108)),
	)
	want := []string{"/run/a b\nc", "", "@abstract@@", "relative", strings.Repeat("x", 108)}
	peers := []int{-1, 2, 1, -1, 4}
	for i, s := range ck.Sockets() {
		if got := s.Local(); got != want[i] {
			t.Errorf("socket %d: %q, want %q", s.Ino, got, want[i])
		}
		var peer *decoder.Socket
		if peers[i] >= 0 {
			peer = ck.Sockets()[peers[i]]
		}
		if got := ck.Peer(s); got != peer {
			t.Errorf("socket %d: peer %v, want %v", s.Ino, got, peer)
		}
	}
}

func TestSocketQueues(t *testing.T) {
	const sk, tcp = "checkpoint/sk-queues.img", "checkpoint/tcp-stream-64.img" // 100 in hexadecimal
	queue := func(id uint32, length uint32, data string) []byte {
		b := decodertest.Image(criu.MagicSkQueues, &sk_packet.SkPacketEntry{IdFor: &id, Length: &length})
		return append(b, data...)
	}
	stream := func(in, out uint32) []byte {
		zero := proto.Uint32(0)
		return decodertest.Image(criu.MagicTCPStream, &tcp_stream.TcpStreamEntry{
			InqLen: &in, InqSeq: zero, OutqLen: &out, OutqSeq: zero, OptMask: zero, SndWscale: zero, MssClamp: zero,
		})
	}
	for _, test := range []struct {
		name    string
		members map[string][]byte
		want    string
		warning string
	}{
		{"none", nil, "0 0, 0 0", ""},
		{"a datagram", map[string][]byte{sk: queue(2, 5, "hello")}, "0 0, 5 0", ""},
		{"two", map[string][]byte{sk: append(queue(2, 5, "hello"), queue(2, 1, "x")[8:]...)}, "0 0, 6 0", ""},
		{"of a socket that is not there", map[string][]byte{sk: queue(77, 5, "hello")}, "0 0, 0 0", ""},
		{"too many", map[string][]byte{sk: append(queue(2, 1, "x"), bytes.Repeat(queue(77, 0, "")[8:], 1<<20)...)}, "0 0, 1 0", "more than 1048576 messages"},
		{"longer than the image", map[string][]byte{sk: queue(2, 1<<31, "hello")}, "0 0, 0 0", "a payload of 2147483648 bytes"},
		{"a stream", map[string][]byte{tcp: append(stream(3, 4), "inqoutq"...)}, "3 4, 0 0", ""},
		{"a stream that is there twice", map[string][]byte{tcp: append(append(stream(3, 4), "inqoutq"...), append(stream(1, 1), "io"...)[8:]...)}, "3 4, 0 0", ""},
		{"a stream that is cut off", map[string][]byte{tcp: append(stream(3, 4), "inq"...)}, "0 0, 0 0", "a payload of 7 bytes"},
		{"a damaged stream", map[string][]byte{tcp: stream(3, 4)[:20]}, "0 0, 0 0", "tcp-stream-64.img"},
	} {
		ck := opened(t, test.members,
			&fdinfo.FileEntry{Type: fdinfo.FdTypes_INETSK.Enum(), Id: proto.Uint32(1), Isk: inet(2, 1, 6, 1, 80, 1)},
			unix(2, 101, 0, 1, ""),
		)
		var got []string
		for _, s := range ck.Sockets() {
			got = append(got, fmt.Sprint(s.Received, s.Unsent))
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if warnings := strings.Join(ck.Warnings.List(), "; "); test.warning == "" && warnings != "" || !strings.Contains(warnings, test.warning) {
			t.Errorf("%s: warnings %q, want %q", test.name, warnings, test.warning)
		}
	}
}
