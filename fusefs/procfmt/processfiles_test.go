package procfmt

import (
	"io"
	"math"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

func rendered(t *testing.T, render func(io.Writer) error) string {
	t.Helper()
	var b strings.Builder
	if err := render(&b); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestCgroup(t *testing.T) {
	for _, test := range []struct {
		groups []decoder.Cgroup
		want   string
	}{
		{nil, ""},
		{[]decoder.Cgroup{{Path: "/machine.slice/a.scope"}}, "0::/machine.slice/a.scope\n"},
		{[]decoder.Cgroup{{Path: "/a"}, {Controllers: "cpu,cpuacct", Path: "/b"}, {Controllers: "name=systemd", Path: "/"}}, "0:name=systemd:/\n0:cpu,cpuacct:/b\n0::/a\n"},
		{[]decoder.Cgroup{{Path: "/a\n0::/b"}}, "0::/a\\0120::/b\n"}, // no kernel has such a path, and no line is forged by one
	} {
		if got := rendered(t, func(w io.Writer) error { return Cgroup(w, test.groups) }); got != test.want {
			t.Errorf("%v: %q, want %q", test.groups, got, test.want)
		}
	}
}

func TestTimers(t *testing.T) {
	p := &decoder.Process{PID: 7, Timers: []decoder.PosixTimer{
		{ID: 2, Clock: 7, Signal: 36, Notify: 4, Value: 7, Thread: 12},
		{ID: 1, Notify: 1},
		{ID: -1, Clock: -6, Signal: 10, Notify: 2, Value: math.MaxUint64},
	}}
	want := "ID: 2\nsignal: 36/0000000000000007\nnotify: signal/tid.12\nClockID: 7\n" +
		"ID: 1\nsignal: 0/0000000000000000\nnotify: none/pid.7\nClockID: 0\n" +
		"ID: -1\nsignal: 10/ffffffffffffffff\nnotify: thread/pid.7\nClockID: -6\n"
	if got := rendered(t, func(w io.Writer) error { return Timers(w, p) }); got != want {
		t.Errorf("timers = %q, want %q", got, want)
	}
	for _, notify := range []uint32{3, 7, math.MaxUint32} {
		p.Timers[0].Notify = notify
		if err := Timers(io.Discard, p); err == nil {
			t.Errorf("a timer that notifies in the way %d, and no error", notify)
		}
	}
}

func TestIDMap(t *testing.T) {
	ranges := []decoder.IDRange{{First: 0, Lower: 1000, Count: 1}, {First: 1, Lower: math.MaxUint32, Count: math.MaxUint32}}
	want := "         0       1000          1\n         1 4294967295 4294967295\n"
	if got := rendered(t, func(w io.Writer) error { return IDMap(w, ranges) }); got != want {
		t.Errorf("uid_map = %q, want %q", got, want)
	}
}

func TestOOMAdj(t *testing.T) {
	for score, want := range map[int]int{0: 0, 1000: 15, 999: 15, 500: 8, -1000: -17, -500: -8, math.MaxInt32: 15} {
		if got := OOMAdj(score); got != want {
			t.Errorf("OOMAdj(%d) = %d, want %d", score, got, want)
		}
	}
}

func TestLabel(t *testing.T) {
	named := &decoder.Creds{LSMProfile: "a"}
	for _, test := range []struct {
		module string
		creds  *decoder.Creds
		want   string
		ok     bool
	}{
		{decoder.LSMNone, named, "", false},
		{decoder.LSMSELinux, named, "a\x00", true},
		{decoder.LSMSELinux, new(decoder.Creds), "", false},
		{decoder.LSMAppArmor, named, "a\n", true},
		{decoder.LSMAppArmor, new(decoder.Creds), "unconfined\n", true},
		{decoder.LSMAppArmor, nil, "", false},
	} {
		if got, ok := Label(test.module, test.creds); got != test.want || ok != test.ok {
			t.Errorf("Label(%q, %+v) = %q, %v, want %q, %v", test.module, test.creds, got, ok, test.want, test.ok)
		}
	}
}

// The terminal and the table of descriptors are known as far as the images
// tell.
func TestTerminalAndTable(t *testing.T) {
	thread := &decoder.Thread{TID: 7}
	p := &decoder.Process{PID: 7, State: decoder.TaskAlive, Terminal: &decoder.Terminal{Device: 34816, PGRP: 9}}
	if got, want := rendered(t, func(w io.Writer) error { return Stat(w, p, thread, true, MemorySizes{}) }), "7 () S 0 0 0 34816 9 "; !strings.HasPrefix(got, want) {
		t.Errorf("stat = %q, want it to begin with %q", got, want)
	}
	for highest, want := range map[int]int{-1: 64, 0: 64, 63: 64, 64: 128, 127: 128, 128: 256, 1<<31 - 65: 1 << 31} {
		p.Descriptors = nil
		if highest >= 0 {
			p.Descriptors = []decoder.Descriptor{{FD: highest}}
		}
		if got := descriptorTable(p); got != want {
			t.Errorf("a table for descriptor %d has %d, want %d", highest, got, want)
		}
	}
	p.State = decoder.TaskDead
	if got := descriptorTable(p); got != 0 {
		t.Errorf("a zombie has a table of %d, want none", got)
	}
}
