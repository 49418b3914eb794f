package decoder

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/netlink"
)

// NetRule is a rule that says which table of routes is to be used.
//
// Source: struct fib_rule_hdr and its attributes
// (include/uapi/linux/fib_rules.h).
type NetRule struct {
	Priority         uint32
	Dst, Src         netip.Addr // not valid where they are all addresses
	DstBits, SrcBits uint8      // lengths of the prefixes
	TOS              uint8
	Mark, MarkMask   uint32 // of the packet; a mask of 0: not asked for
	In, Out          string // interfaces; "" for all
	Table            uint32
	Action           uint8  // FR_ACT_
	Goto             uint32 // of FR_ACT_GOTO: the priority of a rule
	Invert           bool   // what the rule does not match
	UIDs             *UIDRange
	Protocol         uint8 // RTPROT_: who made it
	Others           []NetAttribute
}

// UIDRange is a range of users, both ends in it.
type UIDRange struct{ First, Last uint32 }

// Attributes of a rule.
const (
	fraDst               = 1
	fraSrc               = 2
	fraIn                = 3
	fraGoto              = 4
	fraPriority          = 6
	fraMark              = 10
	fraSuppressIfgroup   = 13
	fraSuppressPrefixlen = 14
	fraTable             = 15
	fraMarkMask          = 16
	fraOut               = 17
	fraUIDs              = 20
	fraProtocol          = 21
)

// Rules are the rules for IPv4, in the kernel's order. CRIU does not save
// those for IPv6.
func (ns *NetNamespace) Rules() []NetRule {
	return netlinkDump(ns.loader, ns.loader.name("rule-%d.img", ns.ID), dumpRules, rtmNewRule, netRule)
}

func netRule(body []byte) (NetRule, error) {
	const (
		fixed  = 12     // struct fib_rule_hdr
		invert = 1 << 1 // FIB_RULE_INVERT
		none   = ^uint32(0)
	)
	if len(body) < fixed {
		return NetRule{}, errShortBody
	}
	r := NetRule{
		DstBits: body[1], SrcBits: body[2], TOS: body[3], Table: uint32(body[4]), Action: body[7],
		Invert: binary.LittleEndian.Uint32(body[8:])&invert != 0,
	}
	err := attributes(body[fixed:], func(d *netlink.AttributeDecoder) {
		switch d.Type() {
		case fraDst:
			r.Dst = addressAttribute(d)
		case fraSrc:
			r.Src = addressAttribute(d)
		case fraIn:
			r.In = d.String()
		case fraOut:
			r.Out = d.String()
		case fraGoto:
			r.Goto = d.Uint32()
		case fraPriority:
			r.Priority = d.Uint32()
		case fraMark:
			r.Mark = d.Uint32()
		case fraMarkMask:
			r.MarkMask = d.Uint32()
		case fraTable:
			r.Table = d.Uint32()
		case fraProtocol:
			r.Protocol = d.Uint8()
		case fraUIDs:
			if b := d.Bytes(); len(b) == 8 { // struct fib_rule_uid_range
				r.UIDs = &UIDRange{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
			}
		case fraSuppressIfgroup, fraSuppressPrefixlen:
			if d.Uint32() != none {
				r.Others = append(r.Others, NetAttribute{d.Type(), d.Bytes()})
			}
		default:
			r.Others = append(r.Others, NetAttribute{d.Type(), d.Bytes()})
		}
	})
	return r, err
}
