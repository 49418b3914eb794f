package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// IPAddr writes the interfaces and their addresses as "ip addr show" does. Of
// an interface, the queueing discipline, the state, the group and the length of
// the queue are not saved, and left out.
//
// Source: iproute2, ip/ipaddress.c:print_linkinfo and print_addrinfo.
func IPAddr(w io.Writer, ns *decoder.NetNamespace) error {
	b := bufio.NewWriter(w)
	byDevice := make(map[uint32][]decoder.NetAddress)
	for _, a := range ns.Addresses() {
		byDevice[a.Device] = append(byDevice[a.Device], a)
	}
	for _, d := range ns.Devices {
		fmt.Fprintf(b, "%d: %s: <%s> mtu %d\n", d.Index, deviceName(ns, d), strings.Join(deviceFlags(d.Flags), ","), d.MTU)
		switch d.Kind {
		case decoder.DeviceLoopback:
			b.WriteString("    link/loopback\n")
		case decoder.DeviceVeth, decoder.DeviceBridge, decoder.DeviceMacvlan:
			fmt.Fprintf(b, "    link/ether %s\n", hardwareAddress(d.Address))
		default: // of any kind that is in the container
			fmt.Fprintf(b, "    link %s\n", hardwareAddress(d.Address))
		}
		for _, a := range byDevice[d.Index] {
			b.WriteString(addressLines(a))
		}
	}
	return b.Flush()
}

// deviceName is the name of an interface, with that of its other end: by its
// index where that is in another namespace.
func deviceName(ns *decoder.NetNamespace, d decoder.NetDevice) string {
	name := escape.String(d.Name)
	switch {
	case d.Kind != decoder.DeviceVeth || d.PeerIndex == 0:
		return name
	case d.PeerNS == ns.ID:
		return name + "@" + escape.String(ns.DeviceName(d.PeerIndex))
	default:
		return fmt.Sprintf("%s@if%d", name, d.PeerIndex)
	}
}

// hardwareAddress is a link-layer address; none is "".
func hardwareAddress(address []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", address), " ", ":")
}

// Flags of an interface (include/uapi/linux/if.h), in ip's order.
const (
	iffUp      = 1 << 0
	iffRunning = 1 << 6
)

var deviceFlagNames = []flagName{
	{1 << 3, "LOOPBACK"},
	{1 << 1, "BROADCAST"},
	{1 << 4, "POINTOPOINT"},
	{1 << 12, "MULTICAST"},
	{1 << 7, "NOARP"},
	{1 << 9, "ALLMULTI"},
	{1 << 8, "PROMISC"},
	{1 << 10, "MASTER"},
	{1 << 11, "SLAVE"},
	{1 << 2, "DEBUG"},
	{1 << 15, "DYNAMIC"},
	{1 << 14, "AUTOMEDIA"},
	{1 << 13, "PORTSEL"},
	{1 << 5, "NOTRAILERS"},
	{iffUp, "UP"},
	{1 << 16, "LOWER_UP"},
	{1 << 17, "DORMANT"},
	{1 << 18, "ECHO"},
}

func deviceFlags(flags uint32) (names []string) {
	if flags&iffUp != 0 && flags&iffRunning == 0 {
		names = append(names, "NO-CARRIER")
	}
	rest := flagNames(flags&^iffRunning, deviceFlagNames, func(name string) { names = append(names, name) })
	if rest != 0 {
		names = append(names, fmt.Sprintf("%x", rest))
	}
	return names
}

// Flags of an address (include/uapi/linux/if_addr.h), in ip's order.
const (
	ifaSecondary = 1 << 0
	ifaPermanent = 1 << 7
)

var addressFlagNames = []flagName{
	{ifaSecondary, "secondary"},
	{1 << 1, "nodad"},
	{1 << 2, "optimistic"},
	{1 << 3, "dadfailed"},
	{1 << 4, "home"},
	{1 << 5, "deprecated"},
	{1 << 6, "tentative"},
	{ifaPermanent, "dynamic"}, // where it is not set
	{1 << 8, "mngtmpaddr"},
	{1 << 9, "noprefixroute"},
	{1 << 10, "autojoin"},
	{1 << 11, "stable-privacy"},
}

// addressLines are the two lines of an address.
func addressLines(a decoder.NetAddress) string {
	family := "inet"
	if !a.Addr.Is4() {
		family = "inet6"
	}
	text := fmt.Sprintf("    %s %s", family, a.Addr)
	if a.Peer.IsValid() {
		text += fmt.Sprintf(" peer %s", a.Peer)
	}
	text += fmt.Sprintf("/%d", a.Bits)
	if a.Metric != 0 {
		text += fmt.Sprintf(" metric %d", a.Metric)
	}
	if a.Broadcast.IsValid() {
		text += fmt.Sprintf(" brd %s", a.Broadcast)
	}
	text += fmt.Sprintf(" scope %s ", rtName(scopeNames, a.Scope))
	rest := flagNames(a.Flags^ifaPermanent, addressFlagNames, func(name string) {
		if name == "secondary" && family == "inet6" {
			name = "temporary"
		}
		text += name + " "
	})
	if rest != 0 {
		text += fmt.Sprintf("flags %02x ", rest)
	}
	text += escape.String(a.Label) + "\n"
	if a.Lifetime != nil {
		text += fmt.Sprintf("       valid_lft %s preferred_lft %s\n", lifetime(a.Lifetime.Valid), lifetime(a.Lifetime.Preferred))
	}
	return text
}

func lifetime(seconds uint32) string {
	if seconds == decoder.ForeverLifetime {
		return "forever"
	}
	return fmt.Sprintf("%dsec", seconds)
}
