package decoder

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// attr is an attribute of a message of netlink.
func attr(typ uint16, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(4+len(data)))
	b = binary.LittleEndian.AppendUint16(b, typ)
	b = append(b, data...)
	return append(b, make([]byte, -len(b)&3)...)
}

func word(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func body(parts ...[]byte) []byte { return slices.Concat(parts...) }

func TestNetAddress(t *testing.T) {
	v4 := netip.MustParseAddr
	head := []byte{2, 24, 0x80, 253, 3, 0, 0, 0}
	for _, test := range []struct {
		name string
		body []byte
		want NetAddress
		fail bool
	}{
		{
			"one end of two", body(head, attr(1, 10, 0, 0, 2), attr(2, 10, 0, 0, 1), attr(3, 'e', 0)),
			NetAddress{Device: 3, Addr: v4("10.0.0.1"), Peer: v4("10.0.0.2"), Bits: 24, Scope: 253, Flags: 0x80, Label: "e"},
			false,
		},
		{
			"all flags and an end", body(head, attr(1, 10, 0, 0, 1), attr(8, word(0x280)...), attr(6, body(word(5), word(6), word(0), word(0))...)),
			NetAddress{Device: 3, Addr: v4("10.0.0.1"), Bits: 24, Scope: 253, Flags: 0x280, Lifetime: &Lifetime{6, 5}},
			false,
		},
		{"an address of five bytes", body(head, attr(1, 1, 2, 3, 4, 5)), NetAddress{Device: 3, Bits: 24, Scope: 253, Flags: 0x80}, false},
		{"too short", head[:7], NetAddress{}, true},
		{"half an attribute", body(head, []byte{8, 0}), NetAddress{}, true},
		{"an attribute longer than the message", body(head, []byte{255, 255, 1, 0, 1, 2, 3, 4}), NetAddress{}, true},
		{"flags of two bytes", body(head, attr(8, 1, 2)), NetAddress{}, true},
	} {
		got, err := netAddress(test.body)
		if (err != nil) != test.fail || !test.fail && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v, want %+v, an error: %v", test.name, got, err, test.want, test.fail)
		}
	}
}

func TestNetRoute(t *testing.T) {
	head := []byte{2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0}
	hop := func(size byte, attributes ...byte) []byte {
		return append([]byte{size, 0, 0, 1, 7, 0, 0, 0}, attributes...)
	}
	for _, test := range []struct {
		name string
		body []byte
		want string
	}{
		{"to an address", body(head, attr(1, 10, 0, 0, 0), attr(5, 10, 0, 0, 1), attr(4, word(7)...)), "10.0.0.0/24 10.0.0.1 7 [] []"},
		{"by an address of IPv6", body(head, attr(18, append([]byte{10, 0}, make([]byte, 16)...)...)), "invalid IP/24 :: 0 [] []"},
		{"by two ways", body(head, attr(9, body(hop(16, attr(5, 10, 0, 0, 1)...), hop(8))...)), "invalid IP/24 invalid IP 0 [{10.0.0.1 7 2 0} {invalid IP 7 2 0}] []"},
		{"metrics", body(head, attr(8, attr(2, word(1300)...)...)), "invalid IP/24 invalid IP 0 [] [{2 1300}]"},
		{"a way of no length", body(head, attr(9, hop(0)...)), "error"},
		{"a way longer than the list", body(head, attr(9, hop(12)...)), "error"},
		{"a way cut off", body(head, attr(9, 8, 0, 0, 0)), "error"},
		{"too short", head[:11], "error"},
	} {
		r, err := netRoute(test.body)
		got := fmt.Sprintf("%v/%d %v %d %v %v", r.Dst, r.DstBits, r.Gateway, r.Device, r.Hops, r.Metrics)
		if err != nil {
			got = "error"
		}
		if got != test.want {
			t.Errorf("%s: %s (%v), want %s", test.name, got, err, test.want)
		}
	}
}

func TestNetRule(t *testing.T) {
	head := []byte{2, 0, 24, 0, 254, 0, 0, 1, 2, 0, 0, 0}
	r, err := netRule(body(head, attr(2, 10, 0, 0, 0), attr(14, word(^uint32(0))...), attr(13, word(5)...), attr(15, word(1000)...),
		attr(3, 'e', 't', 'h', 0), attr(20, body(word(70000), word(80000))...), attr(26, 9)))
	want := NetRule{
		Src: netip.MustParseAddr("10.0.0.0"), SrcBits: 24, In: "eth", Table: 1000, Action: 1, Invert: true, UIDs: &UIDRange{70000, 80000},
		Others: []NetAttribute{{13, word(5)}, {26, []byte{9}}},
	}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v, %v, want %+v", r, err, want)
	}
	if _, err := netRule(head[:11]); err == nil {
		t.Error("a message that is too short is taken")
	}
}

// No message makes the decoders fail other than with an error.
func FuzzNetlink(f *testing.F) {
	f.Add(body([]byte{2, 24, 0x80, 253, 3, 0, 0, 0}, attr(1, 10, 0, 0, 2), attr(8, 1, 2, 3, 4)))
	f.Add(body([]byte{2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0}, attr(9, 8, 0, 0, 1, 7, 0, 0, 0), attr(8, attr(2, 1, 2, 3, 4)...)))
	f.Fuzz(func(_ *testing.T, b []byte) {
		netAddress(b)
		netRoute(b)
		netRule(b)
	})
}
