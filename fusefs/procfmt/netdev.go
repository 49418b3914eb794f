package procfmt

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"

	"github.com/ckptfs/ckptfs/decoder"
)

// NetDev writes /proc/net/dev of interfaces of these names. What they counted
// is not saved.
//
// Source: net/core/net-procfs.c:dev_seq_show.
func NetDev(w io.Writer, names []string) error {
	b := bufio.NewWriter(w)
	b.WriteString("Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for _, name := range names {
		fmt.Fprintf(b, "%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d\n",
			name, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	return b.Flush()
}

// IfInet6 writes /proc/net/if_inet6.
//
// Source: net/ipv6/addrconf.c:if6_seq_show.
func IfInet6(w io.Writer, ns *decoder.NetNamespace) error {
	b := bufio.NewWriter(w)
	for _, a := range ns.Addresses() {
		if !a.Addr.Is6() {
			continue
		}
		// What RT_SCOPE_ of the message is in the kernel (net/ipv6.h).
		scope := map[uint8]int{scopeHost: 0x10, scopeLink: 0x20, scopeSite: 0x40}[a.Scope]
		fmt.Fprintf(b, "%x %02x %02x %02x %02x %8s\n",
			a.Addr.As16(), a.Device, a.Bits, scope, uint8(a.Flags), ns.DeviceName(a.Device))
	}
	return b.Flush()
}

// Route writes /proc/net/route: the main table of IPv4.
//
// Source: net/ipv4/fib_trie.c:fib_route_seq_show.
func Route(w io.Writer, ns *decoder.NetNamespace) error {
	b := bufio.NewWriter(w)
	line := func(text string) { b.WriteString(padded(text, 127)) }
	line("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT")
	for _, r := range ns.Routes(false) {
		if r.IPv6 || r.Type == routeBroadcast || r.Type == routeMulticast {
			continue
		}
		line(routeLine(ns, r))
	}
	return b.Flush()
}

func routeLine(ns *decoder.NetNamespace, r decoder.NetRoute) string {
	const (
		up, gateway, host, reject = 1, 2, 4, 0x200 // RTF_ of include/uapi/linux/route.h
		rtaxWindow, rtaxRTT       = 3, 4
		rtaxAdvMSS                = 8
	)
	hop := r.NetHop
	if len(r.Hops) > 0 {
		hop = r.Hops[0]
	}
	flags := up
	if r.Type == routeUnreachable || r.Type == routeProhibit {
		flags |= reject
	}
	if hop.Gateway.IsValid() {
		flags |= gateway
	}
	if r.DstBits >= 32 {
		flags |= host
	}
	name, metric := "*", uint32(0)
	var metrics [rtaxAdvMSS + 1]uint32
	if hop.Device != 0 {
		name, metric = ns.DeviceName(hop.Device), r.Metric
		for _, m := range r.Metrics {
			if int(m.Type) < len(metrics) {
				metrics[m.Type] = m.Value
			}
		}
	}
	mtu := metrics[rtaxAdvMSS]
	if mtu != 0 {
		mtu += 40
	}
	return fmt.Sprintf("%s\t%08X\t%08X\t%04X\t%d\t%d\t%d\t%08X\t%d\t%d\t%d",
		name, inNetworkOrder(r.Dst), inNetworkOrder(hop.Gateway), flags, 0, 0, metric,
		mask(r.DstBits), mtu, metrics[rtaxWindow], metrics[rtaxRTT]>>3)
}

// inNetworkOrder is an address of IPv4 as the kernel prints its word; 0 for any
// other.
func inNetworkOrder(a netip.Addr) uint32 {
	if !a.Is4() {
		return 0
	}
	b := a.As4()
	return binary.LittleEndian.Uint32(b[:])
}

// mask is that of a prefix, in network order.
func mask(bits uint8) uint32 {
	return binary.BigEndian.Uint32(binary.LittleEndian.AppendUint32(nil, ^uint32(0)<<(32-min(bits, 32))))
}
