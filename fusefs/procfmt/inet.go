package procfmt

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// inetTable is one of the files of /proc/net that list IP sockets: its first
// line, and the width to which the kernel fills its lines up with spaces (0: not
// at all), and what stands behind the inode number.
type inetTable struct {
	header string
	width  int
	row    string // the format of the place, which has a column of its own
	rest   func(*decoder.Socket) string
}

const (
	tcpColumns    = "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	dgramColumns  = tcpColumns + " ref pointer drops"
	inetColumns   = "  sl  local_address rem_address   "
	inet6Columns  = "  sl  local_address                         remote_address                        "
	unknownSocket = "0000000000000000" // the kernel's address of a socket
)

// Sources: net/ipv4/tcp_ipv4.c:tcp4_seq_show, net/ipv6/tcp_ipv6.c:tcp6_seq_show,
// net/ipv4/udp.c:udp4_seq_show, net/ipv4/raw.c:raw_seq_show,
// net/ipv4/ping.c:ping_v4_seq_show, net/ipv6/datagram.c:__ip6_dgram_sock_seq_show.
var inetTables = map[string]inetTable{
	"tcp":      {inetColumns + tcpColumns, 149, "%4d", tcpRest},
	"tcp6":     {inet6Columns + tcpColumns, 0, "%4d", tcpRest},
	"udp":      {" " + inetColumns + dgramColumns, 127, "%5d", dgramRest},
	"udp6":     {inet6Columns + dgramColumns, 0, "%5d", dgramRest},
	"udplite":  {" " + inetColumns + dgramColumns, 127, "%5d", dgramRest},
	"udplite6": {inet6Columns + dgramColumns, 0, "%5d", dgramRest},
	"raw":      {inetColumns + dgramColumns, 0, "%4d", dgramRest},
	"raw6":     {inet6Columns + dgramColumns, 0, "%5d", dgramRest},
	"icmp":     {inetColumns + dgramColumns, 127, "%5d", dgramRest},
	"icmp6":    {inet6Columns + dgramColumns, 0, "%5d", dgramRest},
}

// InetTables are the names of the files that [Inet] writes.
var InetTables = []string{"icmp", "icmp6", "raw", "raw6", "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6"}

// Inet writes the file of that name of /proc/net: tcp, udp6, raw and so on.
//
// The kernel shows the sockets of TCP by the buckets of its hash tables, those
// that listen first; here each of the two kinds is in the order of the inode
// numbers. The place of the others is the number of their bucket, which is
// not known, and 0. A socket's user, its timers, references, drops and the
// kernel's address of it are not saved. Nor is a connection that nobody has
// accepted yet, or that has ended and is waited for.
func Inet(w io.Writer, name string, sockets []*decoder.Socket) error {
	b := bufio.NewWriter(w)
	table := inetTables[name]
	line := func(text string) { b.WriteString(padded(text, table.width)) }
	line(table.header)
	place := 0
	for _, listening := range []bool{true, false} {
		for _, s := range sockets {
			if s.Table() != name || !s.Listed() || (s.State == decoder.StateListen) != listening {
				continue
			}
			rx, tx := inetQueues(s)
			line(fmt.Sprintf(table.row+": %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d %s",
				place, inetAddress(s.Inet.Local), inetAddress(s.Inet.Remote), uint32(s.State), uint32(tx), uint32(rx),
				0, 0, 0, 0, 0, s.Ino, table.rest(s)))
			if name == "tcp" || name == "tcp6" {
				place++
			}
		}
	}
	return b.Flush()
}

// padded is a line filled up with spaces.
//
// Source: fs/seq_file.c:seq_pad.
func padded(line string, width int) string {
	return line + strings.Repeat(" ", max(width-len(line), 0)) + "\n"
}

// inetQueues are the bytes that wait. The kernel counts the end of a
// connection as one until the other end has acknowledged it, which it has not
// in these states; CRIU does not (soccr/soccr.c:refresh_sk).
func inetQueues(s *decoder.Socket) (rx, tx int64) {
	switch s.State {
	case decoder.StateFinWait1, decoder.StateLastAck, decoder.StateClosing:
		return s.Received, s.Unsent + 1
	default:
		return s.Received, s.Unsent
	}
}

// inetAddress is an address as the words of it that lie in memory, and a port.
func inetAddress(a netip.AddrPort) string {
	bytes, text := a.Addr().AsSlice(), ""
	for ; len(bytes) >= 4; bytes = bytes[4:] {
		text += fmt.Sprintf("%08X", binary.LittleEndian.Uint32(bytes))
	}
	return fmt.Sprintf("%s:%04X", text, a.Port())
}

// tcpRest is references, address, timeouts, congestion window and slow-start
// threshold; -1 for none.
func tcpRest(s *decoder.Socket) string {
	threshold := -1
	if s.State == decoder.StateListen {
		threshold = 0 // of a listening socket it is the length of a queue
	}
	return fmt.Sprintf("0 %s 0 0 0 0 %d", unknownSocket, threshold)
}

// dgramRest is references, address and drops.
func dgramRest(*decoder.Socket) string { return "0 " + unknownSocket + " 0" }
