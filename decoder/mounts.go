package decoder

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Mount is an entry of the mount table of a mount namespace.
//
// Source: mountpoints-<id>.img.
type Mount struct {
	NS         uint32 // CRIU's id of the namespace
	ID, Parent int
	Dev        Dev
	Root       string // of the mount in its file system
	Point      string
	Flags      uint32 // of the mount, MS_ bits of mount(2)
	SuperFlags uint32 // of its file system, MS_ bits
	FSType     string // "" where it is one that CRIU does not know
	Source     string
	Options    string // of the file system, separated by commas
	Shared     uint32 // peer group; 0 for none
	Master     uint32 // peer group that it receives from; 0 for none
}

// fsTypes are the kernel's names of the file systems that CRIU knows by a
// number; those of the others are in the image.
//
// Source: criu/filesystems.c.
var fsTypes = map[mnt.Fstype]string{
	mnt.Fstype_PROC: "proc", mnt.Fstype_SYSFS: "sysfs", mnt.Fstype_DEVTMPFS: "devtmpfs", mnt.Fstype_BINFMT_MISC: "binfmt_misc",
	mnt.Fstype_TMPFS: "tmpfs", mnt.Fstype_DEVPTS: "devpts", mnt.Fstype_SIMFS: "simfs", mnt.Fstype_PSTORE: "pstore",
	mnt.Fstype_SECURITYFS: "securityfs", mnt.Fstype_FUSECTL: "fusectl", mnt.Fstype_DEBUGFS: "debugfs",
	mnt.Fstype_CGROUP: "cgroup", mnt.Fstype_AUFS: "aufs", mnt.Fstype_MQUEUE: "mqueue", mnt.Fstype_FUSE: "fuse",
	mnt.Fstype_OVERLAYFS: "overlay", mnt.Fstype_AUTOFS: "autofs", mnt.Fstype_TRACEFS: "tracefs", mnt.Fstype_CGROUP2: "cgroup2",
}

// maxMounts is how many mounts a mount namespace may have unless the kernel is
// told otherwise (Documentation/admin-guide/sysctl/fs.rst:mount-max).
const maxMounts = 100_000

// maxMountFolders bounds the folders on the way to all mount points together:
// each can be two thousand.
const maxMountFolders = 2 << 20

// loadMounts decodes the mount tables: by mount id, and in the kernel's order.
func (l *loader) loadMounts() (map[int]*Mount, []*Mount) {
	mounts := make(map[int]*Mount)
	var order []*Mount // the images', which is the other way round
	folders := 0
	for _, name := range l.matching("mountpoints-*.img") {
		ns, _ := imageID(name, "mountpoints-")
		err := each(l.images, name, criu.MagicMountpoints, func(e *mnt.MntEntry, _ *criu.Reader) error {
			if len(order) == maxMounts {
				return fmt.Errorf("more than %d mounts", maxMounts)
			}
			m := &Mount{
				NS: ns, ID: int(e.GetMntId()), Parent: int(e.GetParentMntId()),
				Dev:  kernelDev(e.GetRootDev()),
				Root: path.Join("/", cText(e.GetRoot())), Point: path.Join("/", cText(e.GetMountpoint())),
				Flags: e.GetFlags(), SuperFlags: e.GetSbFlags(),
				FSType: cmp.Or(cText(e.GetFsname()), fsTypes[mnt.Fstype(e.GetFstype())]), Source: cText(e.GetSource()), Options: cText(e.GetOptions()),
				Shared: e.GetSharedId(), Master: e.GetMasterId(),
			}
			if folders += strings.Count(m.Point, "/"); folders > maxMountFolders {
				return fmt.Errorf("more than %d folders on the way to mount points", maxMountFolders)
			}
			mounts[m.ID] = m
			order = append(order, m)
			return nil
		})
		l.warn.Add(err)
	}
	slices.Reverse(order)
	return mounts, order
}

// MountTable is the mount table of a process, in the kernel's order; nil where
// there is none.
func (c *Checkpoint) MountTable(p *Process) []*Mount {
	ns := c.loader.mountNamespace(c.Processes)
	if p.IDs != nil && p.IDs.Mnt != 0 {
		ns = p.IDs.Mnt
	}
	for _, n := range c.MountNamespaces() {
		if n.ID == ns {
			return n.Table
		}
	}
	return nil
}

// MountNamespace is a mount namespace with its mount table, in the kernel's
// order.
type MountNamespace struct {
	ID    uint32 // CRIU's id
	Table []*Mount
}

// MountNamespaces lists the mount namespaces: that of the first process, and
// the others by their id. The caller must not change them.
func (c *Checkpoint) MountNamespaces() []MountNamespace { return c.loader.mountTables() }

func (l *loader) listMountNamespaces(processes []*Process) []MountNamespace {
	tables := make(map[uint32][]*Mount)
	for _, m := range l.mountOrder {
		tables[m.NS] = append(tables[m.NS], m)
	}
	var list []MountNamespace
	for id, table := range tables {
		list = append(list, MountNamespace{id, table})
	}
	first := l.mountNamespace(processes)
	slices.SortFunc(list, func(a, b MountNamespace) int {
		switch {
		case a.ID == first:
			return -1
		case b.ID == first:
			return 1
		default:
			return cmp.Compare(a.ID, b.ID)
		}
	})
	return list
}

// mountNamespace is that of the first process, or else the first there is.
func (l *loader) mountNamespace(processes []*Process) uint32 {
	if len(processes) > 0 && processes[0].IDs != nil && processes[0].IDs.Mnt != 0 {
		return processes[0].IDs.Mnt
	}
	var first uint32
	for _, m := range l.mounts {
		if first == 0 || m.NS < first {
			first = m.NS
		}
	}
	return first
}
