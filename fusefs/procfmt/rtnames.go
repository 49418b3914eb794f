package procfmt

import "fmt"

// RT_SCOPE_ and RTN_ of include/uapi/linux/rtnetlink.h.
const (
	scopeGlobal = 0
	scopeSite   = 200
	scopeLink   = 253
	scopeHost   = 254

	routeUnicast     = 1
	routeBroadcast   = 3
	routeMulticast   = 5
	routeUnreachable = 7
	routeProhibit    = 8
)

// The names that ip gives to numbers of the kernel. What
// /etc/iproute2 of a machine adds to them is not known.
//
// Source: iproute2, lib/rt_names.c and lib/rtm_map.c.
var (
	scopeNames = map[uint8]string{scopeGlobal: "global", scopeSite: "site", scopeLink: "link", scopeHost: "host", 255: "nowhere"}

	routeTypeNames = map[uint8]string{
		0: "none", routeUnicast: "unicast", 2: "local", routeBroadcast: "broadcast", 4: "anycast", routeMulticast: "multicast",
		6: "blackhole", routeUnreachable: "unreachable", routeProhibit: "prohibit", 9: "throw", 10: "nat", 11: "xresolve",
	}

	routeProtocolNames = map[uint8]string{
		0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 10: "mrt", 11: "zebra", 12: "bird",
		13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp", 18: "keepalived", 42: "babel",
		186: "bgp", 187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
	}

	routeTableNames = map[uint32]string{253: "default", 254: "main", 255: "local"}
)

// rtName is the name of a number, or the number.
func rtName[N uint8 | uint16 | uint32](names map[N]string, n N) string {
	if name, ok := names[n]; ok {
		return name
	}
	return fmt.Sprint(n)
}

// flagNames writes the names of the flags that are set, with sep behind each,
// and gives the flags that have no name.
func flagNames(flags uint32, names []flagName, write func(string)) (rest uint32) {
	for _, f := range names {
		if flags&f.bit != 0 {
			write(f.name)
		}
		flags &^= f.bit
	}
	return flags
}

type flagName struct {
	bit  uint32
	name string
}
