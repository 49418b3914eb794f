package decoder

import (
	"errors"
	"fmt"
	"slices"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Descriptor is an open file descriptor of a process.
//
// Source: fdinfo-<id>.img.
type Descriptor struct {
	FD          int
	CloseOnExec bool
	File        *File
}

// maxDescriptor is the highest number that the kernel can be told to allow
// (fs/file.c:sysctl_nr_open_max).
const maxDescriptor = 1<<31 - 64

// descriptors decodes a table of descriptors, sorted, once: processes may
// share it.
func (l *loader) descriptors(id uint32) []Descriptor {
	if list, ok := l.tables[id]; ok {
		return list
	}
	name := l.name("fdinfo-%d.img", id)
	var list []Descriptor
	seen := make(map[uint32]bool)
	err := each(l.images, name, criu.MagicFdinfo, func(e *fdinfo.FdinfoEntry, _ *criu.Reader) error {
		f := l.files[e.GetId()]
		switch {
		case e.GetFd() > maxDescriptor || seen[e.GetFd()]:
			return fmt.Errorf("descriptor %d: impossible, or there more than once", e.GetFd())
		case f == nil:
			l.warn.Addf("%s: descriptor %d is of file %d, which %s does not have", name, e.GetFd(), e.GetId(), l.name("files.img"))
			return nil
		}
		seen[e.GetFd()] = true
		const closeOnExec = 1 // FD_CLOEXEC
		list = append(list, Descriptor{int(e.GetFd()), e.GetFlags()&closeOnExec != 0, f})
		return nil
	})
	l.warn.Add(err)
	slices.SortFunc(list, func(a, b Descriptor) int { return a.FD - b.FD })
	if l.tables == nil {
		l.tables = make(map[uint32][]Descriptor)
	}
	l.tables[id] = list
	return list
}

// maxDescriptors bounds the descriptors of all processes together: a hostile
// archive can give each of 100,000 processes the same table of 100,000.
const maxDescriptors = 4 << 20

// held gives a process its table of descriptors, as long as there is room.
func (l *loader) held(pid int, table []Descriptor) []Descriptor {
	if len(table) > maxDescriptors-l.allHeld {
		l.warn.Addf("process %d: its %d descriptors are left out: all processes together have more than %d", pid, len(table), maxDescriptors)
		return nil
	}
	l.allHeld += len(table)
	return table
}

// otherFile is an open file that is none of a file system, or is another file
// in the image: name is as the kernel shows it.
//
// Source: fs/d_path.c:simple_dname and its callers.
func otherFile(e *fdinfo.FileEntry) *File {
	f := &File{ID: e.GetId(), MountID: -1, Size: -1, Path: fmt.Sprintf("unknown:[%d]", e.GetType())}
	switch e.GetType() {
	case fdinfo.FdTypes_PIPE:
		f.Flags = e.GetPipe().GetFlags()
		f.Path = fmt.Sprintf("pipe:[%d]", e.GetPipe().GetPipeId())
		f.Details = &Pipe{e.GetPipe().GetPipeId()}
	case fdinfo.FdTypes_INETSK:
		f.Flags = e.GetIsk().GetFlags()
		f.Path = socketName(e.GetIsk().GetIno())
		f.Details = inetSocket(e.GetIsk())
	case fdinfo.FdTypes_UNIXSK:
		f.Flags = e.GetUsk().GetFlags()
		f.Path = socketName(e.GetUsk().GetIno())
		f.Details = unixSocket(e.GetUsk())
	case fdinfo.FdTypes_NETLINKSK:
		f.Flags = e.GetNlsk().GetFlags()
		f.Path = socketName(e.GetNlsk().GetIno())
		f.Details = netlinkSocket(e.GetNlsk())
	case fdinfo.FdTypes_PACKETSK:
		f.Flags = e.GetPsk().GetFlags()
		f.Path = socketName(0) // its inode is not saved
		f.Details = packetSocket(e.GetPsk())
	case fdinfo.FdTypes_EVENTFD:
		f.Flags = e.GetEfd().GetFlags()
		f.Path = "anon_inode:[eventfd]"
	case fdinfo.FdTypes_EVENTPOLL:
		f.Flags = e.GetEpfd().GetFlags()
		f.Path = "anon_inode:[eventpoll]"
	case fdinfo.FdTypes_SIGNALFD:
		f.Flags = e.GetSgfd().GetFlags()
		f.Path = "anon_inode:[signalfd]"
	case fdinfo.FdTypes_TIMERFD:
		f.Flags = e.GetTfd().GetFlags()
		f.Path = "anon_inode:[timerfd]"
	case fdinfo.FdTypes_INOTIFY:
		f.Flags = e.GetIfy().GetFlags()
		f.Path = "anon_inode:inotify"
	case fdinfo.FdTypes_FANOTIFY:
		f.Flags = e.GetFfy().GetFlags()
		f.Path = "anon_inode:[fanotify]"
	case fdinfo.FdTypes_BPFMAP:
		f.Flags = e.GetBpf().GetFlags()
		f.Path = "anon_inode:bpf-map"
	case fdinfo.FdTypes_FIFO:
		f.path = e.GetFifo().GetRegfId()
	case fdinfo.FdTypes_TTY:
		f.Flags = e.GetTty().GetFlags()
		f.path = e.GetTty().GetRegfId()
	case fdinfo.FdTypes_TUNF:
		f.Kind, f.Path = FileRegular, "/dev/net/tun"
	default:
	}
	return f
}

// Pipe is an end of a pipe.
type Pipe struct{ ID uint32 } // its inode number: the same at all ends

func (*Pipe) details() {}

func socketName(inode uint32) string { return fmt.Sprintf("socket:[%d]", inode) }

// resolvePaths gives FIFOs and terminals the path of the file beside them.
func (l *loader) resolvePaths(files map[uint32]*File) {
	for _, f := range files {
		if f.path == 0 {
			continue
		}
		if at := files[f.path]; at != nil && at.Kind == FileRegular {
			f.Kind, f.Path, f.Deleted, f.MountID, f.Dev, f.Mode, f.Flags = FileRegular, at.Path, at.Deleted, at.MountID, at.Dev, at.Mode, at.Flags
		} else {
			l.warn.Add(errors.New(l.name("files.img") + fmt.Sprintf(": file %d lies at the path of file %d, which is not there", f.ID, f.path)))
		}
	}
}
