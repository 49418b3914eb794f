package decoder_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// openWith decodes a checkpoint with these members.
func openWith(t *testing.T, members map[string]string) *decoder.Checkpoint {
	t.Helper()
	c := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Comm: "init"}}, Files: map[uint32]string{0: "/", 1: "/init"}, Members: make(map[string][]byte)}
	for name, content := range members {
		c.Members[name] = []byte(content)
	}
	return c.Open(t)
}

// The inventory says which security module there was, and what CRIU itself
// used.
func TestInventory(t *testing.T) {
	entry := func(lsm *inventory.Lsmtype) []byte {
		return decodertest.Image(criu.MagicInventory, &inventory.InventoryEntry{
			ImgVersion: proto.Uint32(2), Lsmtype: lsm,
			RootIds: &criu_core.TaskKobjIdsEntry{
				VmId: proto.Uint32(1), FilesId: proto.Uint32(1), FsId: proto.Uint32(1), SighandId: proto.Uint32(1), UserNsId: proto.Uint32(7),
			},
		})
	}
	for _, row := range []struct {
		lsm  *inventory.Lsmtype
		want string
	}{
		{nil, ""},
		{inventory.Lsmtype_NO_LSM.Enum(), "none"},
		{inventory.Lsmtype_SELINUX.Enum(), "selinux"},
		{inventory.Lsmtype_APPARMOR.Enum(), "apparmor"},
		{inventory.Lsmtype(99).Enum(), ""},
	} {
		got := openWith(t, map[string]string{"checkpoint/inventory.img": string(entry(row.lsm))}).Inventory
		if got.LSM != row.want || got.Host == nil || got.Host.User != 7 {
			t.Errorf("Inventory of %v = %q, %+v, want %q and the user namespace 7", row.lsm, got.LSM, got.Host, row.want)
		}
	}
}
