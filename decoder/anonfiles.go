package decoder

import (
	"fmt"

	bpfmap_file "github.com/checkpoint-restore/go-criu/v7/crit/images/bpfmap-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventpoll"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/ns"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/timerfd"
)

// Eventfd is a counter of eventfd(2).
type Eventfd struct{ Count uint64 }

// Epoll is an instance of epoll(7) with the descriptors that it watches.
type Epoll struct{ Watches []EpollWatch }

// EpollWatch is a descriptor that an epoll instance watches. FD is the number
// that it had when it was added, and may be another file's by now.
type EpollWatch struct {
	FD     int32
	Events uint32 // EPOLL bits
	Data   uint64 // what epoll_wait(2) gives back
	Pos    int64
	Ino    uint64
	Dev    uint32 // as the kernel keeps it in 32 bits
}

// Signalfd is a set of signals to be read: bit n-1 is signal n.
type Signalfd struct{ Mask uint64 }

// Timerfd is a timer of timerfd_create(2). Value is what is left of it, or 0
// where it is not armed.
type Timerfd struct {
	Clock           int32  // CLOCK_
	Ticks           uint64 // expirations that were not read
	Flags           uint32 // of timerfd_settime(2)
	Value, Interval Timespec
}

// Timespec is a time in the form of the kernel's struct timespec64.
type Timespec struct{ Sec, Nsec uint64 }

// BPFMap is a map of bpf(2).
type BPFMap struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32
	Extra                                       uint64
	MemLock                                     uint64 // bytes
	ID                                          uint32
	Frozen                                      bool
}

// Pidfd refers to a process, -1 for one that was reaped.
type Pidfd struct{ PID int32 }

func (*Eventfd) details()  {}
func (*Epoll) details()    {}
func (*Signalfd) details() {}
func (*Timerfd) details()  {}
func (*BPFMap) details()   {}
func (*Pidfd) details()    {}

// anonymous fills in a file of an anonymous inode.
//
// Source: fs/anon_inodes.c:anon_inodefs_dname.
func (f *File) anonymous(name string, flags uint32, details Details) {
	f.Path, f.Flags, f.Details = "anon_inode:"+name, flags, details
}

func epoll(e *eventpoll.EventpollFileEntry) *Epoll {
	d := new(Epoll)
	for _, t := range e.GetTfd() {
		d.Watches = append(d.Watches, EpollWatch{
			FD: int32(t.GetTfd()), Events: t.GetEvents(), Data: t.GetData(),
			Pos: int64(t.GetPos()), Ino: t.GetInode(), Dev: t.GetDev(),
		})
	}
	return d
}

func timerFile(e *timerfd.TimerfdEntry) *Timerfd {
	return &Timerfd{
		Clock: int32(e.GetClockid()), Ticks: e.GetTicks(), Flags: e.GetSettimeFlags(),
		Value: Timespec{e.GetVsec(), e.GetVnsec()}, Interval: Timespec{e.GetIsec(), e.GetInsec()},
	}
}

func bpfMap(e *bpfmap_file.BpfmapFileEntry) *BPFMap {
	return &BPFMap{
		Type: e.GetMapType(), KeySize: e.GetKeySize(), ValueSize: e.GetValueSize(), MaxEntries: e.GetMaxEntries(),
		Flags: e.GetMapFlags(), Extra: e.GetMapExtra(), MemLock: e.GetMemlock(), ID: e.GetMapId(), Frozen: e.GetFrozen(),
	}
}

// namespaceFile is the name of a file that stands for a namespace. Its number
// is CRIU's id, as the links in ns/ have it.
//
// Source: include/uapi/linux/sched.h, CLONE_NEW bits.
func namespaceFile(e *ns.NsFileEntry) string {
	kind := map[uint32]string{
		0x00000080: "time", 0x00020000: "mnt", 0x02000000: "cgroup", 0x04000000: "uts",
		0x08000000: "ipc", 0x10000000: "user", 0x20000000: "pid", 0x40000000: "net",
	}[e.GetNsCflag()]
	if kind == "" {
		kind = "unknown"
	}
	return fmt.Sprintf("%s:[%d]", kind, e.GetNsId())
}

// What go-criu does not know of pidfds (images/fdinfo.proto, pidfd.proto).
const (
	typePidfd = 20 // PIDFD of enum fd_types

	filePidfd  = 22 // the pidfd_entry of a file_entry
	pidfdIno   = 2
	pidfdFlags = 3
	pidfdPID   = 4 // as the process itself sees it
)

// pidfd fills in a pidfd, which is always open for reading and writing: CRIU
// drops that (criu/pidfd.c:dump_one_pidfd).
func (f *File) pidfd(e *fdinfo.FileEntry) {
	const readWrite = 2
	d := new(Pidfd)
	f.anonymous("[pidfd]", readWrite, d)
	for number, value := range varints(unknownMessage(e, filePidfd)) {
		switch number {
		case pidfdIno:
			f.Ino = value
		case pidfdFlags:
			f.Flags |= uint32(value)
		case pidfdPID:
			d.PID = int32(value)
		default:
		}
	}
}
