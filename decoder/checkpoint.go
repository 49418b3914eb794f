package decoder

import (
	"errors"
	"io"
	"time"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Checkpoint is the saved state of a container. It is immutable but for its
// warnings, and safe for concurrent use.
type Checkpoint struct {
	Archive   *archive.Archive
	Form      string // what it is wrapped in, or what is special about it; "" for nothing
	Container Container
	Inventory Inventory
	Processes []*Process // in the order of pstree.img
	UTS       []UTSNamespace
	IPC       []IPCNamespace
	Stats     []Stat        // nil where there are none
	Uptime    time.Duration // of the machine at the dump, as the processes saw it; 0: not known
	Time      time.Time     // when the dump ended, by the time stamp of its last image
	Warnings  *Warnings

	loader *loader
}

// Image is an image whose bytes are read as they are needed.
type Image struct {
	io.ReaderAt
	Name string // path in the mount
}

// Process is the process of that PID, or nil.
func (c *Checkpoint) Process(pid int) *Process {
	for _, p := range c.Processes {
		if p.PID == pid {
			return p
		}
	}
	return nil
}

// LastPID is the greatest of all PIDs and TIDs; 0 where there are none.
func (c *Checkpoint) LastPID() (last int) {
	for _, p := range c.Processes {
		last = max(last, p.PID)
		for _, t := range p.Threads {
			last = max(last, t.TID)
		}
	}
	return last
}

// DeletedFiles lists the paths that the container deleted from its root file
// system, in the order of the engine's list, each beginning with "/".
//
// Sources: deleted.files, a JSON list that Podman and CRI-O write; the marks
// in an image layer, which is what containerd saves.
func (c *Checkpoint) DeletedFiles() []string {
	files, _ := c.loader.rootfsDiff()
	return files.deleted.paths
}

// RootfsDiff is what the container changed in its root file system, as an
// archive of its own; nil where the checkpoint has none.
//
// Source: rootfs-diff.tar, or an image layer.
func (c *Checkpoint) RootfsDiff() (*archive.Archive, error) {
	files, err := c.loader.rootfsDiff()
	return files.Archive, err
}

// RootfsDiffRoot is the root directory, if what the container changed has that. It
// does not open the archive.
func (c *Checkpoint) RootfsDiffRoot() *archive.Member {
	return c.loader.nested.folder(c.loader.source.diff)
}

// RootfsDiffSize is the size of the tar that it is kept in, in bytes.
func (c *Checkpoint) RootfsDiffSize() int64 {
	diff := c.loader.source.diff
	if m := diff.in.member(diff.name); m != nil {
		return m.Size()
	}
	return 0
}

// ImageArchive is the archive that has CRIU's images: the checkpoint's own, or
// a tar in it.
func (c *Checkpoint) ImageArchive() *archive.Archive { return c.loader.archive }

// ImageFolder is the folder of the archive that holds CRIU's images; "" is the
// top.
func (c *Checkpoint) ImageFolder() string { return c.loader.dir }

// Close closes the archives that were opened for the checkpoint, its own
// among them.
func (c *Checkpoint) Close() error {
	return errors.Join(c.loader.nested.Close(), c.Archive.Close())
}
