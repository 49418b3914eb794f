package imagejson

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// number writes a number as the field's type and options have it.
func (p *printer) number(f *field, n uint64, hex bool) {
	signed := false
	switch f.kind {
	case protoreflect.BoolKind:
		p.literal(strconv.FormatBool(n != 0))
		return
	case protoreflect.EnumKind:
		if name, ok := p.enums[f.of][int32(n)]; ok {
			p.string(name)
		} else {
			p.literal(strconv.Itoa(int(int32(n))))
		}
		return
	case protoreflect.Uint32Kind:
		n = uint64(uint32(n))
	case protoreflect.Int32Kind:
		n, signed = uint64(int32(n)), true
	case protoreflect.Sint32Kind:
		n, signed = uint64(int32(protowire.DecodeZigZag(n&0xffffffff))), true
	case protoreflect.Sint64Kind:
		n, signed = uint64(protowire.DecodeZigZag(n)), true
	case protoreflect.Int64Kind:
		signed = true
	default:
	}
	dict := dictionaries[f.opts.GetDict()][f.name][n]
	switch {
	case hex && signed:
		p.quoted("%#x", int64(n))
	case hex:
		p.quoted("%#x", n)
	case f.opts.GetDev() && f.opts.GetOdev():
		p.quoted("%d:%d", unix.Major(n), unix.Minor(n))
	case f.opts.GetDev():
		p.quoted("%d:%d", n>>kernelMinorBits, n&(1<<kernelMinorBits-1))
	case f.opts.GetFlags() != "":
		p.string(nameFlags(n, flagNames[f.opts.GetFlags()]))
	case dict != "":
		p.string(dict)
	case signed:
		p.literal(strconv.FormatInt(int64(n), 10))
	default:
		p.literal(strconv.FormatUint(n, 10))
	}
}

// kernelMinorBits is how many bits of a device number inside the kernel are
// the minor's (include/linux/kdev_t.h, MINORBITS). Fields with the option
// odev have the encoding of stat(2).
const kernelMinorBits = 20

// nameFlags joins the names of the bits of n, and behind them those without.
func nameFlags(n uint64, flags []flag) string {
	var names []string
	for _, f := range flags {
		if n&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	for _, f := range flags {
		n &^= f.bit
	}
	if n != 0 {
		names = append(names, fmt.Sprintf("%#x", n))
	}
	return strings.Join(names, " | ")
}

// address writes the words of an IP address as the one that they are, if there
// are as many as in one. A word has its bytes in the network's order.
func (p *printer) address(b *body, values []fieldValue) bool {
	const longest = 16
	var address []byte
	for _, v := range values {
		err := v.field.numbers(b.value(v), func(n uint64) {
			if len(address) <= longest {
				address = binary.LittleEndian.AppendUint32(address, uint32(n))
			}
		})
		if err != nil {
			return false
		}
	}
	a, ok := netip.AddrFromSlice(address)
	if !ok {
		return false
	}
	p.open('[')
	p.element()
	p.string(a.String())
	p.close(']')
	return true
}
