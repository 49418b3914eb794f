package procfmt

import (
	"math"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

func TestFDInfo(t *testing.T) {
	const head = "pos:\t0\nflags:\t02\nmnt_id:\t0\nino:\t0\n"
	handle := decoder.FileHandle{Type: 1, Bytes: []byte{0xec, 0x0a, 0, 0xff}}
	for _, test := range []struct {
		name    string
		file    decoder.File
		cloexec bool
		want    string
	}{
		{"regular", decoder.File{Pos: 1 << 40, Flags: 0o100002, MountID: 79, Ino: 7}, false, "pos:\t1099511627776\nflags:\t0100002\nmnt_id:\t79\nino:\t7\n"},
		{"close-on-exec", decoder.File{Flags: 1}, true, "pos:\t0\nflags:\t02000001\nmnt_id:\t0\nino:\t0\n"},
		// O_CLOEXEC is the descriptor's, whatever the file's flags say.
		{"not close-on-exec", decoder.File{Flags: 0o2000001, MountID: -1}, false, "pos:\t0\nflags:\t01\nmnt_id:\t0\nino:\t0\n"},
		{"wrapping", decoder.File{Pos: -1, Flags: math.MaxUint32, MountID: math.MaxUint32, Ino: math.MaxUint64}, true, "pos:\t-1\nflags:\t037777777777\nmnt_id:\t4294967295\nino:\t18446744073709551615\n"},
		{"eventfd", decoder.File{Flags: 2, Details: &decoder.Eventfd{Count: 42}}, false, head + "eventfd-count:               2a\neventfd-id: 0\neventfd-semaphore: 0\n"},
		{"epoll", decoder.File{Flags: 2, Details: &decoder.Epoll{Watches: []decoder.EpollWatch{
			{FD: 19, Events: 0x19, Data: 0x55, Ino: 0x40f, Dev: 0x10}, {FD: -1, Events: math.MaxUint32, Data: math.MaxUint64, Pos: -5, Ino: math.MaxUint64, Dev: math.MaxUint32},
		}}}, false, head + "tfd:       19 events:       19 data:               55  pos:0 ino:40f sdev:10\n" +
			"tfd:       -1 events: ffffffff data: ffffffffffffffff  pos:-5 ino:ffffffffffffffff sdev:ffffffff\n"},
		{"epoll that watches nothing", decoder.File{Flags: 2, Details: new(decoder.Epoll)}, false, head},
		{"signalfd", decoder.File{Flags: 2, Details: &decoder.Signalfd{Mask: 0x4000}}, false, head + "sigmask:\t0000000000004000\n"},
		{
			"timerfd",
			decoder.File{Flags: 2, Details: &decoder.Timerfd{Clock: -6, Ticks: 3, Flags: 3, Value: decoder.Timespec{Sec: 1, Nsec: 2}, Interval: decoder.Timespec{Sec: math.MaxUint64}}},
			false,
			head + "clockid: -6\nticks: 3\nsettime flags: 03\nit_value: (1, 2)\nit_interval: (18446744073709551615, 0)\n",
		},
		{
			"inotify",
			decoder.File{Flags: 2, Details: &decoder.Inotify{Watches: []decoder.InotifyWatch{{WD: 10, Ino: 0x9ac, Dev: 0x2b, Mask: 0x300, Handle: handle}, {}}}},
			false,
			head + "inotify wd:a ino:9ac sdev:2b mask:300 ignored_mask:0 fhandle-bytes:4 fhandle-type:1 f_handle:ec0a00ff\n" +
				"inotify wd:0 ino:0 sdev:0 mask:0 ignored_mask:0 fhandle-bytes:0 fhandle-type:0 f_handle:\n",
		},
		{"fanotify", decoder.File{Flags: 2, Details: &decoder.Fanotify{Flags: 1, EventFlags: 0x8000, Marks: []decoder.FanotifyMark{
			{OfMount: true, MountID: 0x1b, Mask: 2}, {Ino: 0x9ac, Dev: 0xfe00000, Flags: 0x40, Mask: 0x8000020, Ignore: 0x18, Handle: handle},
		}}}, false, head + "fanotify flags:1 event-flags:8000\nfanotify mnt_id:1b mflags:0 mask:2 ignored_mask:0\n" +
			"fanotify ino:9ac sdev:fe00000 mflags:40 mask:8000020 ignored_mask:18 fhandle-bytes:4 fhandle-type:1 f_handle:ec0a00ff\n"},
		{
			"BPF map",
			decoder.File{Flags: 2, Details: &decoder.BPFMap{Type: 1, KeySize: 4, ValueSize: 8, MaxEntries: 16, Flags: 0x81, MemLock: 4096, ID: 3, Frozen: true}},
			false,
			head + "map_type:\t1\nkey_size:\t4\nvalue_size:\t8\nmax_entries:\t16\nmap_flags:\t0x81\nmap_extra:\t0\nmemlock:\t4096\nmap_id:\t3\nfrozen:\t1\n",
		},
		{"pidfd", decoder.File{Flags: 2, Details: &decoder.Pidfd{PID: -1}}, false, head + "Pid:\t-1\nNSpid:\t-1\n"},
		{"tun", decoder.File{Flags: 2, Details: &decoder.Tun{Device: "tun0"}}, false, head + "iff:\ttun0\n"},
		{"master of a terminal", decoder.File{Flags: 2, Details: &decoder.Terminal{Master: true, Index: 3}}, false, head + "tty-index:\t3\n"},
		{"terminal", decoder.File{Flags: 2, Details: &decoder.Terminal{Index: 3}}, false, head},
		{"pipe", decoder.File{Flags: 2, Details: new(decoder.Pipe)}, false, head},
	} {
		var b strings.Builder
		if err := FDInfo(&b, new(decoder.Process), decoder.Descriptor{FD: 3, CloseOnExec: test.cloexec, File: &test.file}); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if b.String() != test.want {
			t.Errorf("%s: %q, want %q", test.name, b.String(), test.want)
		}
	}
}

func TestLocks(t *testing.T) {
	for _, test := range []struct {
		lock decoder.Lock
		want string
	}{
		{decoder.Lock{Kind: decoder.LockBSD, Type: decoder.LockWrite, PID: 7}, "FLOCK  ADVISORY  WRITE 7 00:28:9 0 EOF"},
		{decoder.Lock{Kind: decoder.LockOFD, Type: decoder.LockRead, PID: 7, Start: 10, Len: 5}, "OFDLCK ADVISORY  READ -1 00:28:9 10 14"},
		{decoder.Lock{Kind: decoder.LockOFD, Type: decoder.LockWrite, Start: math.MaxInt64, Len: 2}, "OFDLCK ADVISORY  WRITE -1 00:28:9 9223372036854775807 -9223372036854775808"},
		{decoder.Lock{Kind: decoder.LockLease, Type: decoder.LockRead, PID: 7}, "LEASE  ACTIVE    READ 7 00:28:9 0 EOF"},
		{decoder.Lock{Kind: decoder.LockLease, Type: decoder.LockUnlock, Breaking: true, PID: 7}, "LEASE  BREAKING  UNLCK 7 00:28:9 0 EOF"},
		{decoder.Lock{Kind: 77, Type: 99, PID: -1, Start: 5, Len: 5}, "UNKNOWN UNKNOWN  UNLCK -1 00:28:9 0 EOF"},
	} {
		f := &decoder.File{MountID: -1, Dev: decoder.Dev{Minor: 0x28}, Ino: 9, Locks: []decoder.Lock{{Kind: decoder.LockPOSIX}, test.lock}}
		var b strings.Builder
		if err := FDInfo(&b, new(decoder.Process), decoder.Descriptor{File: f}); err != nil {
			t.Error(err)
		}
		// That of POSIX is another process's, and does not count.
		if want := "ino:\t9\nlock:\t1: " + test.want + "\n"; !strings.HasSuffix(b.String(), want) {
			t.Errorf("%+v: %q, want it to end with %q", test.lock, b.String(), want)
		}
	}
}
