package decoder_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/netdev"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// dump is an image of iproute2: its magic, and messages that have that type.
func dump(magic uint32, typ uint16, bodies ...string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	for _, body := range bodies {
		b = binary.LittleEndian.AppendUint32(b, uint32(16+len(body)))
		b = binary.LittleEndian.AppendUint16(b, typ)
		b = append(b, make([]byte, 10)...)
		b = append(b, body...)
	}
	return b
}

func TestNetNamespaces(t *testing.T) {
	const (
		devices   = "checkpoint/netdev-0.img"
		addresses = "checkpoint/ifaddr-0.img"
		magic     = 0x47361222
		newAddr   = 20
		address   = "\x02\x18\x80\x00\x07\x00\x00\x00\x08\x00\x02\x00\x0a\x00\x00\x01"
	)
	device := func(name string, index uint32) proto.Message {
		return &netdev.NetDeviceEntry{Type: netdev.NdType_LOOPBACK.Enum(), Ifindex: &index, Mtu: proto.Uint32(1), Flags: proto.Uint32(1), Name: &name}
	}
	both := decodertest.Image(criu.MagicNetdev, device("eth7", 7), device("lo", 1))
	for _, test := range []struct {
		name    string
		members map[string][]byte
		want    string
		warning string
	}{
		{"only sockets", nil, "0: false []; 5: false []", ""},
		{"devices, by their index", map[string][]byte{devices: both}, "0: true [lo eth7]; 5: false []", ""},
		{"an address", map[string][]byte{devices: both, addresses: dump(magic, newAddr, address)}, "0: true [lo eth7] eth7 10.0.0.1/24; 5: false []", ""},
		{"of a device that is not there", map[string][]byte{addresses: dump(magic, newAddr, address)}, "0: false [] if7 10.0.0.1/24; 5: false []", ""},
		{"a message of another type", map[string][]byte{addresses: dump(magic, 99, address)}, "0: false []; 5: false []", ""},
		{"another magic", map[string][]byte{addresses: dump(1, newAddr, address)}, "0: false []; 5: false []", "ifaddr-0.img: offset 0: not a dump"},
		{"empty", map[string][]byte{addresses: {}}, "0: false []; 5: false []", "ifaddr-0.img: offset 0: not a dump"},
		{"one that is damaged", map[string][]byte{addresses: dump(magic, newAddr, "\x02\x18\x80\x00", address)}, "0: false [] if7 10.0.0.1/24; 5: false []", "ifaddr-0.img: offset 4: a message that is too short"},
		{"cut off", map[string][]byte{addresses: cut(dump(magic, newAddr, address, address))}, "0: false [] if7 10.0.0.1/24; 5: false []", "offset 36: a message of 32 bytes where 31 are left"},
		{"of no length", map[string][]byte{addresses: append(dump(magic, newAddr), make([]byte, 16)...)}, "0: false []; 5: false []", "offset 4: a message of 0 bytes"},
		{"of any length", map[string][]byte{addresses: append(dump(magic, newAddr), "\xff\xff\xff\xff\x14\x00aaaaaaaaaa"...)}, "0: false []; 5: false []", "offset 4: a message of"},
	} {
		other := inet(2, 1, 6, 10, 80, 0)
		other.NsId = proto.Uint32(5)
		ck := opened(t, test.members, &fdinfo.FileEntry{Type: fdinfo.FdTypes_INETSK.Enum(), Id: proto.Uint32(1), Isk: other}, unix(2, 300, 0, 7, ""))
		var all []string
		for _, ns := range ck.NetNamespaces() {
			var names []string
			for _, d := range ns.Devices {
				names = append(names, d.Name)
			}
			text := fmt.Sprintf("%d: %v %v", ns.ID, ns.Saved, names)
			for _, a := range ns.Addresses() {
				text += fmt.Sprintf(" %s %s/%d", ns.DeviceName(a.Device), a.Addr, a.Bits)
			}
			all = append(all, text)
		}
		if got := strings.Join(all, "; "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if warnings := strings.Join(ck.Warnings.List(), "; "); test.warning == "" && warnings != "" || !strings.Contains(warnings, test.warning) {
			t.Errorf("%s: warnings %q, want %q", test.name, warnings, test.warning)
		}
		if len(ck.NetNamespaces()[0].Routes(false)) > 0 {
			t.Errorf("%s: routes of a checkpoint that has none", test.name)
		}
	}
}
