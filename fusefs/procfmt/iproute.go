package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// IPRoute writes the routes of the main table as "ip route show" does, or, for
// IPv6, "ip -6 route show". An attribute that is not known stands at the end of
// a line with its number and, in hexadecimal, its value.
//
// Source: iproute2, ip/iproute.c:print_route.
func IPRoute(w io.Writer, ns *decoder.NetNamespace, v6 bool) error {
	b := bufio.NewWriter(w)
	for _, r := range ns.Routes(v6) {
		b.WriteString(routeText(ns, r))
	}
	return b.Flush()
}

func routeText(ns *decoder.NetNamespace, r decoder.NetRoute) string {
	const mainTable, bootProtocol = 254, 3 // RT_TABLE_MAIN, RTPROT_BOOT
	var b strings.Builder
	word := func(format string, args ...any) { fmt.Fprintf(&b, format+" ", args...) }
	if r.Type != routeUnicast {
		word("%s", rtName(routeTypeNames, r.Type))
	}
	word("%s", routePrefix(r.Dst, r.DstBits, r.IPv6, "default"))
	if r.Src.IsValid() || r.SrcBits != 0 {
		word("from %s", routePrefix(r.Src, r.SrcBits, r.IPv6, "0"))
	}
	if r.TOS != 0 {
		word("tos %#02x", r.TOS)
	}
	gateway(word, r.NetHop, r.IPv6)
	if r.Device != 0 {
		word("dev %s", escape.String(ns.DeviceName(r.Device)))
	}
	if r.Table != 0 && r.Table != mainTable {
		word("table %s", rtName(routeTableNames, r.Table))
	}
	if r.Protocol != bootProtocol {
		word("proto %s", rtName(routeProtocolNames, r.Protocol))
	}
	if r.Scope != scopeGlobal {
		word("scope %s", rtName(scopeNames, r.Scope))
	}
	if r.PrefSrc.IsValid() {
		word("src %s", r.PrefSrc)
	}
	if r.Metric != 0 {
		word("metric %d", r.Metric)
	}
	flagNames(r.Flags, routeFlagNames, func(name string) { word("%s", name) })
	for _, m := range r.Metrics {
		word("%s %d", rtName(routeMetricNames, m.Type), m.Value)
	}
	if r.Pref != nil {
		b.WriteString("pref " + rtName(map[uint8]string{0: "medium", 1: "high", 3: "low"}, *r.Pref))
	}
	for _, hop := range r.Hops {
		b.WriteString("\n\tnexthop ")
		gateway(word, hop, r.IPv6)
		word("dev %s", escape.String(ns.DeviceName(hop.Device)))
		word("weight %d", hop.Weight)
		flagNames(hop.Flags, routeFlagNames, func(name string) { word("%s", name) })
	}
	return b.String() + others(r.Others) + "\n"
}

// routePrefix is a prefix, or the address alone where it is all of one.
func routePrefix(a netip.Addr, bits uint8, v6 bool, none string) string {
	whole := uint8(32)
	if v6 {
		whole = 128
	}
	switch {
	case a.IsValid() && bits == whole:
		return a.String()
	case a.IsValid():
		return fmt.Sprintf("%s/%d", a, bits)
	case bits != 0:
		return fmt.Sprintf("0/%d", bits)
	default:
		return none
	}
}

// gateway writes where a route leads next; of another family than the route,
// which.
func gateway(word func(string, ...any), hop decoder.NetHop, v6 bool) {
	switch {
	case !hop.Gateway.IsValid():
	case hop.Gateway.Is6() == v6:
		word("via %s", hop.Gateway)
	case v6:
		word("via inet %s", hop.Gateway)
	default:
		word("via inet6 %s", hop.Gateway)
	}
}

// others writes attributes that are not known.
func others(list []decoder.NetAttribute) string {
	text := ""
	for _, a := range list {
		text += fmt.Sprintf(" [attribute %d: %x]", a.Type, a.Data)
	}
	return text
}

// RTNH_F_ and RTM_F_ of include/uapi/linux/rtnetlink.h.
var routeFlagNames = []flagName{
	{1 << 0, "dead"},
	{1 << 2, "onlink"},
	{1 << 1, "pervasive"},
	{1 << 3, "offload"},
	{1 << 6, "trap"},
	{1 << 8, "notify"},
	{1 << 4, "linkdown"},
	{1 << 5, "unresolved"},
	{1 << 14, "rt_offload"},
	{1 << 15, "rt_trap"},
	{1 << 29, "rt_offload_failed"},
}

// RTAX_ of include/uapi/linux/rtnetlink.h.
var routeMetricNames = map[uint16]string{
	2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering", 10: "hoplimit",
	11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd", 15: "quickack", 17: "fastopen_no_cookie",
}
