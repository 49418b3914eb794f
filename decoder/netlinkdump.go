package decoder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/mdlayher/netlink"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// maxNetlinkDump bounds what is read of a dump; a route takes some 60 bytes.
const maxNetlinkDump = 16 << 20

// netlinkHeader is the size of struct nlmsghdr.
const netlinkHeader = 16

// The magics of the dumps that iproute2 writes, and the messages in them
// (include/uapi/linux/rtnetlink.h).
//
// Source: iproute2, ip/ipaddress.c, ip/iproute.c and ip/iprule.c.
const (
	dumpAddresses = 0x47361222
	dumpRoutes    = 0x45311224
	dumpRules     = 0x71706986

	rtmNewAddr  = 20
	rtmNewRoute = 24
	rtmNewRule  = 32
)

// netlinkDump decodes the body of each message of that type in a dump: a magic
// and the messages as the kernel sent them. One that decode fails for is left
// out; where a length is impossible the rest is lost. A missing dump has none.
func netlinkDump[T any](l *loader, name string, magic uint32, typ netlink.HeaderType, decode func(body []byte) (T, error)) (list []T) {
	m, err := l.image(name)
	if err != nil {
		l.warn.Add(optional(err))
		return nil
	}
	damaged := func(off int, err error) { l.warn.Add(&criu.FormatError{Image: name, Offset: int64(off), Err: err}) }
	if m.Size() > maxNetlinkDump {
		damaged(0, fmt.Errorf("larger than %d bytes, not decoded", maxNetlinkDump))
		return nil
	}
	b, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	if err != nil {
		damaged(0, err)
		return nil
	}
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != magic {
		damaged(0, fmt.Errorf("not a dump of iproute2 with the magic %#x", magic))
		return nil
	}
	for off := 4; off < len(b); {
		var size int
		if left := len(b) - off; left >= netlinkHeader {
			size = int(min(binary.LittleEndian.Uint32(b[off:]), maxNetlinkDump+1))
			size = (size + 3) &^ 3
		}
		if size < netlinkHeader || size > len(b)-off {
			damaged(off, fmt.Errorf("a message of %d bytes where %d are left", size, len(b)-off))
			return list
		}
		var msg netlink.Message
		err := msg.UnmarshalBinary(b[off : off+size])
		if err == nil && msg.Header.Type == typ {
			var t T
			if t, err = decode(msg.Data); err == nil {
				list = append(list, t)
			}
		}
		if err != nil {
			damaged(off, err)
		}
		off += size
	}
	return list
}

var errShortBody = errors.New("a message that is too short")

// attributes calls f for each attribute behind the fixed part of a message.
func attributes(b []byte, f func(*netlink.AttributeDecoder)) error {
	d, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return err
	}
	d.ByteOrder = binary.LittleEndian
	for d.Next() {
		f(d)
	}
	return d.Err()
}

// addressAttribute is the address in an attribute; the zero one where it has
// another length than one of IPv4 or IPv6.
func addressAttribute(d *netlink.AttributeDecoder) netip.Addr {
	a, _ := netip.AddrFromSlice(d.Bytes())
	return a
}

// NetAttribute is an attribute that is not decoded.
type NetAttribute struct {
	Type uint16
	Data []byte
}
