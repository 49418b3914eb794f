package decoder

import (
	"encoding/binary"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fh"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fsnotify"
)

// Inotify is an instance of inotify(7) with what it watches.
type Inotify struct{ Watches []InotifyWatch }

// InotifyWatch is a file or a directory that an inotify instance watches.
type InotifyWatch struct {
	WD     uint32 // watch descriptor
	Ino    uint64
	Dev    uint32 // as the kernel keeps it in 32 bits
	Mask   uint32 // IN_ bits
	Handle FileHandle
}

// Fanotify is a group of fanotify(7) with what it watches.
type Fanotify struct {
	Flags, EventFlags uint32 // of fanotify_init(2)
	Marks             []FanotifyMark
}

// FanotifyMark is a mount or an inode that a fanotify group watches.
type FanotifyMark struct {
	OfMount             bool
	MountID             uint32 // of a mount
	Ino                 uint64 // of an inode
	Dev                 uint32 // of an inode, as the kernel keeps it in 32 bits
	Handle              FileHandle
	Flags, Mask, Ignore uint32 // FAN_MARK_ bits; FAN_ bits of events to report, and not to
}

// FileHandle names a file as name_to_handle_at(2) does.
type FileHandle struct {
	Type  uint32
	Bytes []byte
}

func (*Inotify) details()  {}
func (*Fanotify) details() {}

// inotify takes the masks as they are: the kernel has shown only the bits
// that a program sees.
func inotify(e *fsnotify.InotifyFileEntry) *Inotify {
	d := new(Inotify)
	for _, w := range e.GetWd() {
		d.Watches = append(d.Watches, InotifyWatch{
			WD: w.GetWd(), Ino: w.GetIIno(), Dev: w.GetSDev(), Mask: w.GetMask(), Handle: fileHandle(w.GetFHandle()),
		})
	}
	return d
}

func fanotify(e *fsnotify.FanotifyFileEntry) *Fanotify {
	d := &Fanotify{Flags: e.GetFaflags(), EventFlags: e.GetEvflags()}
	for _, m := range e.GetMark() {
		d.Marks = append(d.Marks, FanotifyMark{
			OfMount: m.GetType() == fsnotify.MarkType_MOUNT, MountID: m.GetMe().GetMntId(),
			Ino: m.GetIe().GetIIno(), Dev: m.GetSDev(), Handle: fileHandle(m.GetIe().GetFHandle()),
			Flags: m.GetMflags(), Mask: m.GetMask(), Ignore: m.GetIgnoredMask(),
		})
	}
	return d
}

// fileHandle takes the bytes out of the words in which CRIU keeps them.
func fileHandle(e *fh.FhEntry) FileHandle {
	const maxHandle = 128 //nolint:misspell // include/linux/exportfs.h:MAX_HANDLE_SZ
	var b []byte
	for _, w := range e.GetHandle()[:min(len(e.GetHandle()), maxHandle/8)] {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return FileHandle{e.GetType(), b[:min(int64(len(b)), int64(e.GetBytes()))]}
}
