package decoder_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	bpfmap_file "github.com/checkpoint-restore/go-criu/v7/crit/images/bpfmap-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventpoll"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fh"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fsnotify"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/ns"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pipe"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/signalfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/timerfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tty"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tun"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

var (
	zero   = proto.Uint32(0)
	zero64 = proto.Uint64(0)
	owner  = &fown.FownEntry{Uid: zero, Euid: zero, Signum: zero, PidType: zero, Pid: zero}
)

// openFile is the file of descriptor 0 of a process that has e open, which
// must have the id 1.
func openFile(t *testing.T, e *fdinfo.FileEntry, members map[string][]byte) *decoder.File {
	t.Helper()
	e.Id = proto.Uint32(1)
	c := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}},
		Members: map[string][]byte{
			"checkpoint/files.img":    decodertest.Image(criu.MagicFiles, e),
			"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo, &fdinfo.FdinfoEntry{Id: e.Id, Flags: zero, Type: e.Type, Fd: zero}),
		},
	}
	for name, content := range members {
		c.Members[name] = content
	}
	ck := c.Open(t)
	d := ck.Process(1).Descriptors
	if len(d) != 1 {
		t.Fatalf("%d descriptors, want 1; warnings %q", len(d), ck.Warnings.List())
	}
	return d[0].File
}

func TestDetails(t *testing.T) {
	const most, most64 = math.MaxUint32, uint64(math.MaxUint64)
	for _, test := range []struct {
		name string
		e    *fdinfo.FileEntry
		want decoder.Details
	}{
		{"eventfd", &fdinfo.FileEntry{Type: fdinfo.FdTypes_EVENTFD.Enum(), Efd: &eventfd.EventfdFileEntry{
			Id: zero, Flags: zero, Fown: owner, Counter: proto.Uint64(most64),
		}}, &decoder.Eventfd{Count: most64}},
		{"eventfd without an entry", &fdinfo.FileEntry{Type: fdinfo.FdTypes_EVENTFD.Enum()}, &decoder.Eventfd{}},
		{"epoll", &fdinfo.FileEntry{Type: fdinfo.FdTypes_EVENTPOLL.Enum(), Epfd: &eventpoll.EventpollFileEntry{
			Id: zero, Flags: zero, Fown: owner, Tfd: []*eventpoll.EventpollTfdEntry{
				{Id: zero, Tfd: proto.Uint32(most), Events: proto.Uint32(most), Data: proto.Uint64(most64), Dev: proto.Uint32(most), Inode: proto.Uint64(most64), Pos: proto.Uint64(most64)},
				{Id: zero, Tfd: proto.Uint32(3), Events: proto.Uint32(1), Data: zero64},
			},
		}}, &decoder.Epoll{Watches: []decoder.EpollWatch{
			{FD: -1, Events: most, Data: most64, Pos: -1, Ino: most64, Dev: most}, {FD: 3, Events: 1},
		}}},
		{"epoll without an entry", &fdinfo.FileEntry{Type: fdinfo.FdTypes_EVENTPOLL.Enum()}, &decoder.Epoll{}},
		{"signalfd", &fdinfo.FileEntry{Type: fdinfo.FdTypes_SIGNALFD.Enum(), Sgfd: &signalfd.SignalfdEntry{
			Id: zero, Flags: zero, Fown: owner, Sigmask: proto.Uint64(1 << 63),
		}}, &decoder.Signalfd{Mask: 1 << 63}},
		{"timerfd", &fdinfo.FileEntry{Type: fdinfo.FdTypes_TIMERFD.Enum(), Tfd: &timerfd.TimerfdEntry{
			Id: zero, Flags: zero, Fown: owner, Clockid: proto.Uint32(most), Ticks: proto.Uint64(2), SettimeFlags: proto.Uint32(3),
			Vsec: proto.Uint64(4), Vnsec: proto.Uint64(5), Isec: proto.Uint64(6), Insec: proto.Uint64(7),
		}}, &decoder.Timerfd{Clock: -1, Ticks: 2, Flags: 3, Value: decoder.Timespec{Sec: 4, Nsec: 5}, Interval: decoder.Timespec{Sec: 6, Nsec: 7}}},
		{"inotify", &fdinfo.FileEntry{Type: fdinfo.FdTypes_INOTIFY.Enum(), Ify: &fsnotify.InotifyFileEntry{
			Id: zero, Flags: zero, Fown: owner, Wd: []*fsnotify.InotifyWdEntry{
				// More bytes than words, fewer, and no handle at all.
				{Id: zero, IIno: proto.Uint64(9), Mask: proto.Uint32(1), IgnoredMask: zero, SDev: proto.Uint32(43), Wd: proto.Uint32(2), FHandle: &fh.FhEntry{Bytes: proto.Uint32(most), Type: proto.Uint32(1), Handle: []uint64{0x0807060504030201}}},
				{Id: zero, IIno: zero64, Mask: zero, IgnoredMask: zero, SDev: zero, Wd: zero, FHandle: &fh.FhEntry{Bytes: proto.Uint32(3), Type: zero, Handle: make([]uint64, 1000)}},
			},
		}}, &decoder.Inotify{Watches: []decoder.InotifyWatch{
			{WD: 2, Ino: 9, Dev: 43, Mask: 1, Handle: decoder.FileHandle{Type: 1, Bytes: []byte{1, 2, 3, 4, 5, 6, 7, 8}}},
			{Handle: decoder.FileHandle{Bytes: []byte{0, 0, 0}}},
		}}},
		{"fanotify", &fdinfo.FileEntry{Type: fdinfo.FdTypes_FANOTIFY.Enum(), Ffy: &fsnotify.FanotifyFileEntry{
			Id: zero, Flags: zero, Fown: owner, Faflags: proto.Uint32(1), Evflags: proto.Uint32(2), Mark: []*fsnotify.FanotifyMarkEntry{
				{Id: zero, Type: fsnotify.MarkType_MOUNT.Enum(), Mflags: proto.Uint32(3), Mask: proto.Uint32(4), IgnoredMask: proto.Uint32(5), SDev: zero, Me: &fsnotify.FanotifyMountMarkEntry{MntId: proto.Uint32(6)}},
				{Id: zero, Type: fsnotify.MarkType_INODE.Enum(), Mflags: zero, Mask: zero, IgnoredMask: zero, SDev: proto.Uint32(7)},
			},
		}}, &decoder.Fanotify{Flags: 1, EventFlags: 2, Marks: []decoder.FanotifyMark{
			{OfMount: true, MountID: 6, Flags: 3, Mask: 4, Ignore: 5}, {Dev: 7},
		}}},
		{"BPF map", &fdinfo.FileEntry{Type: fdinfo.FdTypes_BPFMAP.Enum(), Bpf: &bpfmap_file.BpfmapFileEntry{
			Id: zero, Flags: zero, Pos: zero64, Fown: owner, MapType: proto.Uint32(1), KeySize: proto.Uint32(2), ValueSize: proto.Uint32(3), MapId: proto.Uint32(4),
			MaxEntries: proto.Uint32(5), MapFlags: proto.Uint32(6), Memlock: proto.Uint64(7), Frozen: proto.Bool(true), MapName: proto.String("m"), Ifindex: zero,
			MapExtra: proto.Uint64(8),
		}}, &decoder.BPFMap{Type: 1, KeySize: 2, ValueSize: 3, MaxEntries: 5, Flags: 6, Extra: 8, MemLock: 7, ID: 4, Frozen: true}},
		{"tun", &fdinfo.FileEntry{Type: fdinfo.FdTypes_TUNF.Enum(), Tunf: &tun.TunfileEntry{Id: zero, Netdev: proto.String("tun0")}}, &decoder.Tun{Device: "tun0"}},
		{"a terminal that is not there", &fdinfo.FileEntry{Type: fdinfo.FdTypes_TTY.Enum(), Tty: &tty.TtyFileEntry{
			Id: zero, TtyInfoId: proto.Uint32(7), Flags: zero, Fown: owner,
		}}, nil},
	} {
		if got := openFile(t, test.e, nil).Details; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// CRIU 4.0 and later has pidfds, which go-criu does not know.
func TestPidfd(t *testing.T) {
	pidfd := func(fields ...uint64) *fdinfo.FileEntry {
		var b []byte
		for i, v := range fields {
			b = protowire.AppendTag(b, protowire.Number(i+1), protowire.VarintType)
			b = protowire.AppendVarint(b, v)
		}
		e := &fdinfo.FileEntry{Type: fdinfo.FdTypes(20).Enum()}
		raw := protowire.AppendTag(nil, 22, protowire.BytesType)
		e.ProtoReflect().SetUnknown(protowire.AppendBytes(raw, b))
		return e
	}
	for _, test := range []struct {
		name  string
		e     *fdinfo.FileEntry
		ino   uint64
		flags uint32
		pid   int32
	}{
		{"of a process", pidfd(1, 4711, 0o4000, 12), 4711, 0o4002, 12},
		{"of one that was reaped", pidfd(1, 4711, 0, math.MaxUint64), 4711, 2, -1},
		{"without an entry", &fdinfo.FileEntry{Type: fdinfo.FdTypes(20).Enum()}, 0, 2, 0},
	} {
		f := openFile(t, test.e, nil)
		d, ok := f.Details.(*decoder.Pidfd)
		if !ok || d.PID != test.pid || f.Ino != test.ino || f.Flags != test.flags || f.Path != "anon_inode:[pidfd]" {
			t.Errorf("%s: %+v, %+v, want PID %d, inode %d, flags %#o", test.name, f, d, test.pid, test.ino, test.flags)
		}
	}
}

func TestNamespaceFile(t *testing.T) {
	for flag, want := range map[uint32]string{0x40000000: "net:[10]", 0x20000: "mnt:[10]", 1: "unknown:[10]"} {
		f := openFile(t, &fdinfo.FileEntry{Type: fdinfo.FdTypes_NS.Enum(), Nsf: &ns.NsFileEntry{
			Id: zero, NsId: proto.Uint32(10), NsCflag: proto.Uint32(flag), Flags: zero,
		}}, nil)
		if f.KernelName() != want {
			t.Errorf("a file of namespace type %#x = %q, want %q", flag, f.KernelName(), want)
		}
	}
}

func TestPipeInode(t *testing.T) {
	f := openFile(t, &fdinfo.FileEntry{Type: fdinfo.FdTypes_PIPE.Enum(), Pipe: &pipe.PipeEntry{Id: zero, PipeId: proto.Uint32(4711), Flags: zero, Fown: owner}}, nil)
	if f.Ino != 4711 {
		t.Errorf("inode %d, want 4711", f.Ino)
	}
}

// A session has the terminal that says so, but for what is open under another
// name than its own.
func TestTerminals(t *testing.T) {
	info := func(id, sid, rdev uint32) proto.Message {
		return &tty.TtyInfoEntry{
			Id: &id, Type: tty.TtyType_PTY.Enum(), Locked: proto.Bool(false), Exclusive: proto.Bool(false), PacketMode: proto.Bool(false),
			Sid: &sid, Pgrp: proto.Uint32(9), Rdev: &rdev, Pty: &tty.TtyPtyEntry{Index: proto.Uint32(3)},
		}
	}
	const ptmx, tty0, pts3 = 5<<8 | 2, 5 << 8, 136<<8 | 3
	for _, test := range []struct {
		name  string
		infos []proto.Message
		want  uint32 // 0: none
	}{
		{"none", nil, 0},
		{"its own", []proto.Message{info(1, 1, pts3)}, pts3},
		{"of another session", []proto.Message{info(1, 2, pts3)}, 0},
		{"of none", []proto.Message{info(1, 0, pts3)}, 0},
		{"seen from both sides", []proto.Message{info(1, 1, ptmx), info(2, 1, pts3), info(3, 1, tty0)}, pts3},
		{"by other names alone", []proto.Message{info(1, 1, ptmx), info(3, 1, tty0)}, 0},
		{"twice the same id", []proto.Message{info(1, 1, pts3), info(1, 1, 7)}, pts3},
	} {
		c := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Comm: "sh"}}, Members: map[string][]byte{
			"checkpoint/tty-info.img": decodertest.Image(criu.MagicTTYInfo, test.infos...),
		}}
		var got uint32
		ck := c.Open(t)
		if terminal := ck.Process(1).Terminal; terminal != nil {
			got = terminal.Device
		}
		if got != test.want {
			t.Errorf("%s: terminal %#x, want %#x", test.name, got, test.want)
		}
		if warned := strings.Contains(strings.Join(ck.Warnings.List(), ";"), "more than once"); warned != strings.HasPrefix(test.name, "twice") {
			t.Errorf("%s: warnings %q", test.name, ck.Warnings.List())
		}
	}
	f := openFile(t, &fdinfo.FileEntry{Type: fdinfo.FdTypes_TTY.Enum(), Tty: &tty.TtyFileEntry{Id: zero, TtyInfoId: proto.Uint32(1), Flags: zero, Fown: owner}},
		map[string][]byte{"checkpoint/tty-info.img": decodertest.Image(criu.MagicTTYInfo, info(1, 0, ptmx))})
	if d, ok := f.Details.(*decoder.Terminal); !ok || !d.Master || d.Index != 3 {
		t.Errorf("details of /dev/ptmx = %+v, want the master of number 3", f.Details)
	}
}
