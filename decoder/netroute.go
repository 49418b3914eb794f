package decoder

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/netlink"
)

// NetRoute is a route of the main table.
//
// Source: struct rtmsg and its attributes (include/uapi/linux/rtnetlink.h).
type NetRoute struct {
	NetHop
	IPv6             bool
	Dst, Src         netip.Addr // not valid where they are all addresses
	DstBits, SrcBits uint8      // lengths of the prefixes
	TOS              uint8
	Table            uint32
	Protocol         uint8 // RTPROT_: who made it
	Scope            uint8 // RT_SCOPE_
	Type             uint8 // RTN_
	PrefSrc          netip.Addr
	Metric           uint32 // 0: none
	Metrics          []RouteMetric
	Pref             *uint8   // of an IPv6 router, RFC 4191
	Hops             []NetHop // where there are several
	Others           []NetAttribute
}

// NetHop is where a route leads next.
type NetHop struct {
	Gateway netip.Addr // not valid where there is none
	Device  uint32     // index; 0: none
	Weight  int        // among several
	Flags   uint32     // RTNH_F_, and of a route RTM_F_
}

// RouteMetric is a property of a route, RTAX_.
type RouteMetric struct {
	Type  uint16
	Value uint32
}

// Attributes of a route.
const (
	rtaDst       = 1
	rtaSrc       = 2
	rtaOIF       = 4
	rtaGateway   = 5
	rtaPriority  = 6
	rtaPrefSrc   = 7
	rtaMetrics   = 8
	rtaMultipath = 9
	rtaCacheInfo = 12
	rtaTable     = 15
	rtaVia       = 18
	rtaPref      = 20
)

// Routes are the routes of the main table, in the kernel's order.
func (ns *NetNamespace) Routes(v6 bool) []NetRoute {
	name := ns.loader.name("route-%d.img", ns.ID)
	if v6 {
		name = ns.loader.name("route6-%d.img", ns.ID)
	}
	return netlinkDump(ns.loader, name, dumpRoutes, rtmNewRoute, netRoute)
}

func netRoute(body []byte) (NetRoute, error) {
	const fixed = 12 // struct rtmsg
	const familyInet6 = 10
	if len(body) < fixed {
		return NetRoute{}, errShortBody
	}
	r := NetRoute{
		IPv6: body[0] == familyInet6, DstBits: body[1], SrcBits: body[2], TOS: body[3], Table: uint32(body[4]),
		Protocol: body[5], Scope: body[6], Type: body[7], NetHop: NetHop{Flags: binary.LittleEndian.Uint32(body[8:])},
	}
	var inner error
	err := attributes(body[fixed:], func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case rtaDst:
			r.Dst = addressAttribute(d)
		case rtaSrc:
			r.Src = addressAttribute(d)
		case rtaPrefSrc:
			r.PrefSrc = addressAttribute(d)
		case rtaPriority:
			r.Metric = d.Uint32()
		case rtaTable:
			r.Table = d.Uint32()
		case rtaMetrics:
			inner = attributes(d.Bytes(), func(m *netlink.AttributeDecoder) {
				if b := m.Bytes(); len(b) == 4 {
					r.Metrics = append(r.Metrics, RouteMetric{m.Type(), binary.LittleEndian.Uint32(b)})
				} else {
					r.Others = append(r.Others, NetAttribute{rtaMetrics, b})
				}
			})
		case rtaMultipath:
			r.Hops, inner = netHops(d.Bytes())
		case rtaPref:
			pref := d.Uint8()
			r.Pref = &pref
		case rtaCacheInfo: // when it was used, which is of no use
		default:
			if !r.hop(d) {
				r.Others = append(r.Others, NetAttribute{d.Type(), d.Bytes()})
			}
		}
	})
	if err == nil {
		err = inner
	}
	return r, err
}

// hop decodes the attributes that a route and each of its hops may have.
func (h *NetHop) hop(d *netlink.AttributeDecoder) bool {
	switch d.Type() {
	case rtaOIF:
		h.Device = d.Uint32()
	case rtaGateway:
		h.Gateway = addressAttribute(d)
	case rtaVia: // struct rtvia: an address of the other family behind its number
		if b := d.Bytes(); len(b) > 2 {
			h.Gateway, _ = netip.AddrFromSlice(b[2:])
		}
	default:
		return false
	}
	return true
}

// netHops decodes the hops of a route: each a struct rtnexthop and attributes.
func netHops(b []byte) (hops []NetHop, err error) {
	const fixed = 8 // struct rtnexthop
	for len(b) > 0 {
		if len(b) < fixed {
			return hops, errShortBody
		}
		size := int(binary.LittleEndian.Uint16(b))
		if size < fixed || size > len(b) {
			return hops, errShortBody
		}
		h := NetHop{Flags: uint32(b[2]), Weight: int(b[3]) + 1, Device: binary.LittleEndian.Uint32(b[4:])}
		if err := attributes(b[fixed:size], func(d *netlink.AttributeDecoder) { h.hop(d) }); err != nil {
			return hops, err
		}
		hops = append(hops, h)
		b = b[min((size+3)&^3, len(b)):]
	}
	return hops, nil
}
