package decoder

import (
	"fmt"
	"maps"
	"slices"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
)

// Pipe is an end of a pipe.
type Pipe struct{ ID uint32 } // its inode number: the same at all ends

// Tun is the network device behind a descriptor of /dev/net/tun; "" for none.
type Tun struct{ Device string }

func (*Pipe) details() {}
func (*Tun) details()  {}

// otherFile is an open file that is none of a file system, or whose path is
// that of another file in the image: see resolvePaths. Else its path is what the
// kernel shows.
//
// Source: fs/d_path.c:simple_dname and its callers.
func (l *loader) otherFile(e *fdinfo.FileEntry) *File {
	f := &File{ID: e.GetId(), MountID: -1, Size: -1, Path: fmt.Sprintf("unknown:[%d]", e.GetType())}
	switch e.GetType() {
	case fdinfo.FdTypes_PIPE:
		id := e.GetPipe().GetPipeId()
		f.Path, f.Flags, f.Ino = fmt.Sprintf("pipe:[%d]", id), e.GetPipe().GetFlags(), uint64(id)
		f.Details, f.queue = &Pipe{id}, objectKey{keyPipe, uint64(id)}
	case fdinfo.FdTypes_FIFO:
		id := e.GetFifo().GetPipeId()
		f.path, f.Ino, f.queue = e.GetFifo().GetRegfId(), uint64(id), objectKey{keyFIFO, uint64(id)}
	case fdinfo.FdTypes_TTY:
		id := e.GetTty().GetTtyInfoId()
		f.path, f.Flags, f.queue = e.GetTty().GetRegfId(), e.GetTty().GetFlags(), objectKey{keyTTY, uint64(id)}
		if t := l.terminals[id]; t != nil {
			f.Details = t
		}
	case fdinfo.FdTypes_INETSK:
		f.socket(inetSocket(e.GetIsk()), e.GetIsk().GetFlags())
		f.queue = objectKey{keyTCP, f.Ino}
	case fdinfo.FdTypes_UNIXSK:
		f.socket(unixSocket(e.GetUsk()), e.GetUsk().GetFlags())
		f.queue = objectKey{keyQueue, uint64(f.ID)}
	case fdinfo.FdTypes_NETLINKSK:
		f.socket(netlinkSocket(e.GetNlsk()), e.GetNlsk().GetFlags())
	case fdinfo.FdTypes_PACKETSK:
		f.socket(packetSocket(e.GetPsk()), e.GetPsk().GetFlags())
	case fdinfo.FdTypes_EVENTFD:
		f.anonymous("[eventfd]", e.GetEfd().GetFlags(), &Eventfd{e.GetEfd().GetCounter()})
	case fdinfo.FdTypes_EVENTPOLL:
		f.anonymous("[eventpoll]", e.GetEpfd().GetFlags(), epoll(e.GetEpfd()))
	case fdinfo.FdTypes_SIGNALFD:
		f.anonymous("[signalfd]", e.GetSgfd().GetFlags(), &Signalfd{e.GetSgfd().GetSigmask()})
	case fdinfo.FdTypes_TIMERFD:
		f.anonymous("[timerfd]", e.GetTfd().GetFlags(), timerFile(e.GetTfd()))
	case fdinfo.FdTypes_INOTIFY:
		f.anonymous("inotify", e.GetIfy().GetFlags(), inotify(e.GetIfy()))
	case fdinfo.FdTypes_FANOTIFY:
		f.anonymous("[fanotify]", e.GetFfy().GetFlags(), fanotify(e.GetFfy()))
	case fdinfo.FdTypes_BPFMAP:
		f.anonymous("bpf-map", e.GetBpf().GetFlags(), bpfMap(e.GetBpf()))
		f.Pos = int64(e.GetBpf().GetPos())
	case typePidfd:
		f.pidfd(e)
	case fdinfo.FdTypes_NS:
		f.Path, f.Flags = namespaceFile(e.GetNsf()), e.GetNsf().GetFlags()
	case fdinfo.FdTypes_TUNF:
		f.Kind, f.Path, f.Details = FileRegular, "/dev/net/tun", &Tun{cText(e.GetTunf().GetNetdev())}
	default:
	}
	return f
}

// socket fills in a socket.
func (f *File) socket(s *Socket, flags uint32) {
	f.Path, f.Flags, f.Ino, f.Details = socketName(s.Ino), flags, uint64(s.Ino), s
}

func socketName(inode uint32) string { return fmt.Sprintf("socket:[%d]", inode) }

// resolvePaths gives FIFOs and terminals the path of the file beside them.
func (l *loader) resolvePaths(files map[uint32]*File) {
	for _, id := range slices.Sorted(maps.Keys(files)) {
		f := files[id]
		if f.path == 0 {
			continue
		}
		if at := files[f.path]; at != nil && at.Kind == FileRegular && at.path == 0 {
			f.Kind, f.Path, f.Deleted, f.Unlinked = FileRegular, at.Path, at.Deleted, at.Unlinked
			f.MountID, f.Dev, f.Mode, f.Flags = at.MountID, at.Dev, at.Mode, at.Flags
		} else {
			l.warn.Addf("%s: file %d lies at the path of file %d, which is not there", l.name("files.img"), f.ID, f.path)
		}
	}
}
