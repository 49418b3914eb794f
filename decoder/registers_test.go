package decoder

import (
	"slices"
	"testing"

	core_x86 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-x86"
	"google.golang.org/protobuf/proto"
)

// The bit-fields of struct user_desc, from the lowest on
// (arch/x86/include/uapi/asm/ldt.h): seg_32bit, contents (2 bits),
// read_exec_only, limit_in_pages, seg_not_present, useable.
func TestX86TLS(t *testing.T) {
	segment := func(set func(*core_x86.UserDescT)) *core_x86.UserDescT {
		d := &core_x86.UserDescT{
			EntryNumber: proto.Uint32(12), BaseAddr: proto.Uint32(0xf7000000), Limit: proto.Uint32(0xfffff),
			Seg_32Bit: proto.Bool(false), ContentsH: proto.Bool(false), ContentsL: proto.Bool(false), ReadExecOnly: proto.Bool(false),
			LimitInPages: proto.Bool(false), SegNotPresent: proto.Bool(false), Usable: proto.Bool(false),
		}
		set(d)
		return d
	}
	yes := proto.Bool(true)
	for _, test := range []struct {
		name string
		set  func(*core_x86.UserDescT)
		want uint32
	}{
		{"nothing", func(*core_x86.UserDescT) {}, 0},
		{"seg_32bit", func(d *core_x86.UserDescT) { d.Seg_32Bit = yes }, 1},
		{"contents 1", func(d *core_x86.UserDescT) { d.ContentsL = yes }, 2},
		{"contents 2", func(d *core_x86.UserDescT) { d.ContentsH = yes }, 4},
		{"read_exec_only", func(d *core_x86.UserDescT) { d.ReadExecOnly = yes }, 8},
		{"limit_in_pages", func(d *core_x86.UserDescT) { d.LimitInPages = yes }, 0x10},
		{"seg_not_present", func(d *core_x86.UserDescT) { d.SegNotPresent = yes }, 0x20},
		{"useable", func(d *core_x86.UserDescT) { d.Usable = yes }, 0x40},
		{"of a program of glibc", func(d *core_x86.UserDescT) { d.Seg_32Bit, d.LimitInPages, d.Usable = yes, yes, yes }, 0x51},
	} {
		want := []X86Segment{{Entry: 12, Base: 0xf7000000, Limit: 0xfffff, Flags: test.want}}
		if got := x86TLS([]*core_x86.UserDescT{segment(test.set)}); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, want)
		}
	}
	if got := x86TLS(make([]*core_x86.UserDescT, 9)); len(got) != 3 {
		t.Errorf("%d segments of nine, want the three that a thread can have", len(got))
	}
}
