package decoder_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// Mounts that a hostile table has at one place are in an order all the same,
// and a mount whose id another one has is none.
func TestMountsAtOnePlace(t *testing.T) {
	entry := func(id, parent uint32, point string) proto.Message {
		return &mnt.MntEntry{
			Fstype: proto.Uint32(0), MntId: &id, ParentMntId: &parent, RootDev: proto.Uint32(0), Flags: proto.Uint32(0),
			Root: proto.String("/"), Mountpoint: &point, Source: proto.String(""), Options: proto.String(""),
		}
	}
	table := []proto.Message{entry(2, 1, "/gone"), entry(1, 0, "/")} // the image has the last one first
	for id := range uint32(8) {
		table = append(table, entry(102+id, 2+id, fmt.Sprintf("/a/%d", id)), entry(2+id, 1, "/a"))
	}
	ck := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/mountpoints-1.img": decodertest.Image(criu.MagicMountpoints, table...)}}.Open(t)
	var got []string
	for _, m := range ck.Mounts().Below {
		for _, below := range m.Below {
			got = append(got, m.Point+" "+below.Point)
		}
	}
	if want := "[/a /a/7 /a /a/6 /a /a/5 /a /a/4 /a /a/3 /a /a/2 /a /a/1 /a /a/0]"; fmt.Sprint(got) != want {
		t.Errorf("Mounts() has %v, want %v", got, want)
	}
}
