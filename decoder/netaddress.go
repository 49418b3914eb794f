package decoder

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/netlink"
)

// NetAddress is an address of an interface.
//
// Source: struct ifaddrmsg and its attributes (include/uapi/linux/if_addr.h).
type NetAddress struct {
	Device    uint32 // index
	Addr      netip.Addr
	Bits      uint8      // length of the prefix
	Peer      netip.Addr // the other end of a link of two; not valid where there is none
	Broadcast netip.Addr // not valid where there is none
	Scope     uint8      // RT_SCOPE_
	Flags     uint32     // IFA_F_
	Label     string     // of an IPv4 address
	Metric    uint32     // of the route to the prefix; 0: the kernel's own
	Lifetime  *Lifetime  // nil where not recorded
}

// Lifetime is how many seconds an address is valid, and preferred, for;
// ForeverLifetime stands for no end.
type Lifetime struct{ Valid, Preferred uint32 }

// ForeverLifetime is INFINITY_LIFE_TIME of the kernel.
const ForeverLifetime = ^uint32(0)

// Attributes of an address.
const (
	ifaAddress = iota + 1
	ifaLocal
	ifaLabel
	ifaBroadcast
	_ // IFA_ANYCAST
	ifaCacheInfo
	_ // IFA_MULTICAST
	ifaFlags
	ifaPriority
)

// Addresses are the addresses of the interfaces, in the kernel's order: those
// of IPv4, then of IPv6.
func (ns *NetNamespace) Addresses() []NetAddress {
	return netlinkDump(ns.loader, ns.loader.name("ifaddr-%d.img", ns.ID), dumpAddresses, rtmNewAddr, netAddress)
}

func netAddress(body []byte) (NetAddress, error) {
	const fixed = 8 // struct ifaddrmsg
	if len(body) < fixed {
		return NetAddress{}, errShortBody
	}
	a := NetAddress{Bits: body[1], Flags: uint32(body[2]), Scope: body[3], Device: binary.LittleEndian.Uint32(body[4:])}
	var address netip.Addr
	err := attributes(body[fixed:], func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case ifaAddress:
			address = addressAttribute(d)
		case ifaLocal:
			a.Addr = addressAttribute(d)
		case ifaLabel:
			a.Label = d.String()
		case ifaBroadcast:
			a.Broadcast = addressAttribute(d)
		case ifaCacheInfo:
			if b := d.Bytes(); len(b) >= 8 { // struct ifa_cacheinfo
				a.Lifetime = &Lifetime{Preferred: binary.LittleEndian.Uint32(b), Valid: binary.LittleEndian.Uint32(b[4:])}
			}
		case ifaFlags: // all of them, for which a byte is too small
			a.Flags = d.Uint32()
		case ifaPriority:
			a.Metric = d.Uint32()
		}
	})
	// Of a link of two, IFA_ADDRESS is the other end.
	switch {
	case !a.Addr.IsValid():
		a.Addr = address
	case a.Addr != address:
		a.Peer = address
	}
	return a, err
}
