package decoder

import (
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Inventory is what CRIU says of the dump as a whole.
//
// Source: inventory.img; criu/image.c:prepare_inventory.
type Inventory struct {
	// LSM is the security module whose profiles are in Creds; "" where not
	// recorded.
	LSM string
	// Host are the ids of what CRIU itself used: a namespace with such an id
	// is shared with it, and so with the machine on which the engine ran.
	// nil where not recorded.
	Host *IDs
}

// The security modules that CRIU knows.
const (
	LSMNone     = "none"
	LSMSELinux  = "selinux"
	LSMAppArmor = "apparmor"
)

// newestImages is the newest version of the image format that is known:
// CRTOOLS_IMAGES_V1_1 (criu/include/image.h). Version 3 brings compressed
// pages.
const newestImages = 2

func (l *loader) inventory() (inv Inventory) {
	name := l.name("inventory.img")
	e, err := one[inventory.InventoryEntry](l.images, name, criu.MagicInventory)
	if err != nil {
		l.warn.Add(err)
		return inv
	}
	if v := e.GetImgVersion(); v > newestImages {
		l.warn.Addf("%s: images of version %d; the newest that is known is %d", name, v, newestImages)
	}
	if e.Lsmtype != nil {
		inv.LSM = lsmNames[e.GetLsmtype()]
	}
	if e.GetRootIds() != nil {
		inv.Host = kobjIDs(e.GetRootIds())
	}
	return inv
}

var lsmNames = map[inventory.Lsmtype]string{
	inventory.Lsmtype_NO_LSM: LSMNone, inventory.Lsmtype_SELINUX: LSMSELinux, inventory.Lsmtype_APPARMOR: LSMAppArmor,
}
