package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// IPRule writes the rules for IPv4 as "ip rule show" does. An attribute that is
// not known stands at the end of a line with its number and, in hexadecimal,
// its value.
//
// Source: iproute2, ip/iprule.c:print_rule.
func IPRule(w io.Writer, ns *decoder.NetNamespace) error {
	b := bufio.NewWriter(w)
	for _, r := range ns.Rules() {
		b.WriteString(ruleText(r))
	}
	return b.Flush()
}

// FR_ACT_ of include/uapi/linux/fib_rules.h; the others are the types of
// routes.
const (
	actToTable = 1
	actGoto    = 2
	actNop     = 3
)

func ruleText(r decoder.NetRule) string {
	const kernelProtocol = 2 // RTPROT_KERNEL
	var b strings.Builder
	word := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	fmt.Fprintf(&b, "%d:\t", r.Priority)
	if r.Invert {
		b.WriteString("not ")
	}
	b.WriteString("from " + routePrefix(r.Src, r.SrcBits, false, "all"))
	if r.Dst.IsValid() || r.DstBits != 0 {
		word("to %s", routePrefix(r.Dst, r.DstBits, false, ""))
	}
	if r.TOS != 0 {
		word("tos %#02x", r.TOS)
	}
	if r.Mark != 0 || r.MarkMask != 0 {
		word("fwmark %#x", r.Mark)
		if r.MarkMask != ^uint32(0) {
			fmt.Fprintf(&b, "/%#x", r.MarkMask)
		}
	}
	if r.In != "" {
		word("iif %s", escape.String(r.In))
	}
	if r.Out != "" {
		word("oif %s", escape.String(r.Out))
	}
	if r.UIDs != nil {
		word("uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	}
	if r.Table != 0 {
		word("lookup %s", rtName(routeTableNames, r.Table))
	}
	switch r.Action {
	case actToTable:
	case actGoto:
		word("goto %d", r.Goto)
	case actNop:
		word("nop")
	default:
		word("%s", rtName(routeTypeNames, r.Action))
	}
	if r.Protocol != 0 && r.Protocol != kernelProtocol {
		word("proto %s", rtName(routeProtocolNames, r.Protocol))
	}
	return b.String() + others(r.Others) + "\n"
}
