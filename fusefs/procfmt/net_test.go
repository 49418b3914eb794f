package procfmt_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
)

func ipSocket(local, remote string, t decoder.SocketType, protocol, state, ino uint32) *decoder.Socket {
	a, b := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	return &decoder.Socket{
		Type: t, Protocol: protocol, State: decoder.SocketState(state), Ino: ino,
		Inet: &decoder.InetSocket{IPv6: a.Addr().Is6(), Local: a, Remote: b},
	}
}

// What is expected are rows of a live kernel (Linux 6.18), with nothing in
// place of what is not saved.
func TestInet(t *testing.T) {
	queued := ipSocket("127.0.0.1:8080", "127.0.0.1:51822", decoder.SocketStream, 6, 1, 255829)
	queued.Received, queued.Unsent = 13, 1<<32+2 // hostile: the kernel has 32 bits
	ending := ipSocket("127.0.0.1:4001", "127.0.0.1:8080", decoder.SocketStream, 6, 4, 255830)
	listening := ipSocket("192.0.2.1:8443", "0.0.0.0:0", decoder.SocketStream, 6, 10, 255832)
	udp6 := ipSocket("[2001:db8::1]:5355", "[2001:db8::2]:53", decoder.SocketDatagram, 17, 1, 255841)
	raw := ipSocket("192.0.2.1:89", "0.0.0.0:0", decoder.SocketRaw, 89, 7, 255846)
	scoped := ipSocket("[fe80::1%eth0]:53", "[::]:0", decoder.SocketDatagram, 17, 7, 5)
	for _, test := range []struct {
		table   string
		sockets []*decoder.Socket
		want    []string
	}{
		{"tcp", []*decoder.Socket{queued, ending, udp6, listening, raw}, []string{
			"   0: 010200C0:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 255832 0 0000000000000000 0 0 0 0 0                       ",
			"   1: 0100007F:1F90 0100007F:CA6E 01 00000002:0000000D 00:00000000 00000000     0        0 255829 0 0000000000000000 0 0 0 0 -1                      ",
			"   2: 0100007F:0FA1 0100007F:1F90 04 00000001:00000000 00:00000000 00000000     0        0 255830 0 0000000000000000 0 0 0 0 -1                      ",
		}},
		{"udp6", []*decoder.Socket{udp6, queued, scoped}, []string{
			"    0: B80D0120000000000000000001000000:14EB B80D0120000000000000000002000000:0035 01 00000000:00000000 00:00000000 00000000     0        0 255841 0 0000000000000000 0",
			"    0: 000080FE000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 0 0000000000000000 0",
		}},
		{"raw", []*decoder.Socket{raw}, []string{
			"   0: 010200C0:0059 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 255846 0 0000000000000000 0",
		}},
		{"icmp6", []*decoder.Socket{raw, udp6}, nil},
	} {
		var b strings.Builder
		if err := procfmt.Inet(&b, test.table, test.sockets); err != nil {
			t.Fatal(err)
		}
		_, rows, _ := strings.Cut(b.String(), "\n")
		if want := strings.Join(append(test.want, ""), "\n"); rows != want {
			t.Errorf("%s:\n%swant\n%s", test.table, rows, want)
		}
	}
}

func TestUnix(t *testing.T) {
	socket := func(t decoder.SocketType, state decoder.SocketState, ino, peer uint32, name string) *decoder.Socket {
		return &decoder.Socket{Type: t, State: state, Ino: ino, Unix: &decoder.UnixSocket{Name: []byte(name), Peer: peer}}
	}
	var b strings.Builder
	err := procfmt.Unix(&b, []*decoder.Socket{
		socket(decoder.SocketStream, decoder.StateListen, 10, 0, "/run/a\nb\x00"),
		socket(decoder.SocketStream, decoder.StateEstablished, 11, 10, ""), // nobody accepted it yet
		socket(decoder.SocketDatagram, decoder.StateEstablished, 12, 10, "\x00a\x00\x00b"),
		socket(decoder.SocketSeqpacket, decoder.StateClose, 1234567, 99, "rel"),
	})
	want := `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000000 00000000 00010000 0001 01    10 /run/a
b
0000000000000000: 00000000 00000000 00000000 0001 02     0 /run/a
b
0000000000000000: 00000000 00000000 00000000 0001 03    11
0000000000000000: 00000000 00000000 00000000 0002 03    12 @a@@b
0000000000000000: 00000000 00000000 00000000 0005 01 1234567 rel
`
	if err != nil || b.String() != want {
		t.Errorf("Unix: %v\n%swant\n%s", err, b.String(), want)
	}
}

func TestNetlinkAndPacket(t *testing.T) {
	sockets := []*decoder.Socket{
		{Protocol: 0x0806, Type: decoder.SocketDatagram, Packet: &decoder.PacketSocket{}},
		{Protocol: 15, Ino: 1, Netlink: &decoder.NetlinkSocket{Port: 1<<32 - 4, Groups: 1}},
		{Protocol: 0, Ino: 2, Netlink: &decoder.NetlinkSocket{Port: 4242, Groups: 0x11}},
		{Protocol: 0, Ino: 3, Netlink: &decoder.NetlinkSocket{}}, // has no address, and is in no table
	}
	var netlink, packet strings.Builder
	if err := procfmt.Netlink(&netlink, sockets); err != nil {
		t.Fatal(err)
	}
	if err := procfmt.Packet(&packet, sockets); err != nil {
		t.Fatal(err)
	}
	want := "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" +
		"0000000000000000 0   4242       00000011 0        0        0     0        0        2       \n" +
		"0000000000000000 15  4294967292 00000001 0        0        0     0        0        1       \n"
	if netlink.String() != want {
		t.Errorf("Netlink:\n%swant\n%s", netlink.String(), want)
	}
	want = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n" +
		"0000000000000000 0      2    0806   0     0 0      0      0     \n"
	if packet.String() != want {
		t.Errorf("Packet:\n%swant\n%s", packet.String(), want)
	}
}

// Text of our own escapes what a checkpoint can put into it, and has a dash
// where there is nothing.
func TestInterfaces(t *testing.T) {
	var b strings.Builder
	err := procfmt.Interfaces(&b, []decoder.Interface{
		{
			Network: "a\tb", Name: "eth0", Addresses: []string{"10.0.0.2/8", "fd00::2/64"}, Gateways: []string{"10.0.0.1"},
			MAC: "02:00:00:00:00:01", DNS: []string{"1.1.1.1", "::1"},
		},
		{Network: "none", Name: "eth1"},
	})
	want := "a\\x09b\teth0\t10.0.0.2/8,fd00::2/64\t10.0.0.1\t02:00:00:00:00:01\t1.1.1.1,::1\n" +
		"none\teth1\t-\t-\t-\t-\n"
	if err != nil || b.String() != want {
		t.Errorf("Interfaces: %v\n%swant\n%s", err, b.String(), want)
	}
}
