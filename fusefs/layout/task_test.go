package layout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventpoll"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// watching is a checkpoint of a process with two threads and n descriptors of
// one epoll instance, which watches n.
func watching(n int) decodertest.Checkpoint {
	zero := proto.Uint32(0)
	instance := &eventpoll.EventpollFileEntry{
		Id: proto.Uint32(2), Flags: proto.Uint32(2),
		Fown: &fown.FownEntry{Uid: zero, Euid: zero, Signum: zero, PidType: zero, Pid: zero},
	}
	var table []proto.Message
	for i := range uint32(n) {
		instance.Tfd = append(instance.Tfd, &eventpoll.EventpollTfdEntry{Id: zero, Tfd: &i, Events: &i, Data: proto.Uint64(0)})
		table = append(table, &fdinfo.FdinfoEntry{Id: proto.Uint32(2), Flags: proto.Uint32(i % 2), Type: fdinfo.FdTypes_EVENTPOLL.Enum(), Fd: &i})
	}
	return decodertest.Checkpoint{
		Processes: []decodertest.Process{
			{PID: 1, Threads: []int{9}, Comm: "a) R 1\n\x1b[31m"},
			{PID: 5, PPID: 1, Comm: "b"},
			{PID: 12, PPID: 1, Comm: "gone", Dead: true},
		},
		Members: map[string][]byte{
			"checkpoint/files.img":    decodertest.Image(criu.MagicFiles, &fdinfo.FileEntry{Type: fdinfo.FdTypes_EVENTPOLL.Enum(), Id: proto.Uint32(2), Epfd: instance}),
			"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo, table...),
		},
	}
}

// A thread has what the process has, by the same nodes, and what is its own.
func TestTasks(t *testing.T) {
	root := layout.Root(watching(3).Open(t), layout.Options{})
	process, thread := lookup(t, root, "procs/1").(tree.Dir), lookup(t, root, "procs/1/task/9").(tree.Dir)
	own := strings.Fields("cgroup children comm cwd exe fd regs root stat status syscall")
	entries, err := thread.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		node, err := process.Lookup(e.Name)
		if err != nil {
			t.Errorf("procs/1 has no %s: %v", e.Name, err)
		}
		if same := node == e.Node; same == slices.Contains(own, e.Name) {
			t.Errorf("%s of the thread is that of the process: %v", e.Name, same)
		}
	}
	for name, want := range map[string]string{
		"procs/1/comm":             "a) R 1\n\x1b[31m\n",
		"procs/1/task/9/comm":      "a) R 1\n\x1b[31m\n",
		"procs/1/children":         "5 12 ",
		"procs/1/task/1/children":  "5 12 ",
		"procs/1/task/9/children":  "",
		"procs/5/children":         "",
		"procs/12/children":        "",
		"procs/12/syscall":         "-1 0x0 0x0\n",
		"procs/12/task/12/syscall": "-1 0x0 0x0\n",
		"procs/12/statm":           "0 0 0 0 0 0 0\n",
		"procs/12/environ":         "",
		"procs/1/cgroup":           "",
		"procs/1/timers":           "",
		"procs/1/wchan":            "0",
		"procs/1/task/9/syscall":   "0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n",
	} {
		if got := read(t, root, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"procs/1/task": "1 9", "procs/12/task": "12", "procs/12/fd": "", "procs/12/fdinfo": "", "procs/12/ns": "", "procs/12/map_files": "",
		"procs/1/fd": "0 1 2", "procs/1/fdinfo": "0 1 2", "procs/1/task/9/fdinfo": "0 1 2",
	} {
		if got := list(t, root, name); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
}

// 10,000 descriptors of one open file have two contents, so that their text does not
// multiply.
func TestSharedFDInfo(t *testing.T) {
	const n = 10_000
	root := layout.Root(watching(n).Open(t), layout.Options{})
	entries, err := lookup(t, root, "procs/1/fdinfo").(tree.Dir).Entries()
	if err != nil || len(entries) != n {
		t.Fatalf("%d entries, %v, want %d", len(entries), err, n)
	}
	contents := make(map[tree.Content]bool)
	for _, e := range entries {
		c, err := e.Node.(tree.File).Content()
		if err != nil {
			t.Fatal(err)
		}
		contents[c] = true
	}
	if len(contents) != 2 {
		t.Errorf("%d contents, want one with close-on-exec and one without", len(contents))
	}
	text := read(t, root, fmt.Sprintf("procs/1/fdinfo/%d", n-1))
	if lines := strings.Count(text, "\n"); lines != n+4 || !strings.Contains(text, "flags:\t02000002\n") {
		t.Errorf("%d lines, want %d, with close-on-exec", lines, n+4)
	}
}
