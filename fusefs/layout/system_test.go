package layout_test

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/timens"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/utsns"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

// system is a checkpoint of two processes, 1 and 20, on a host with a name.
func system(t *testing.T) *decoder.Checkpoint {
	seconds := &timens.Timespec{TvSec: proto.Uint64(77), TvNsec: proto.Uint64(0)}
	return decodertest.Checkpoint{
		Files: map[uint32]string{0: "/", 1: "/bin/sh"},
		Processes: []decodertest.Process{
			{PID: 1, Comm: "sh", Threads: []int{21}, VMAs: []decodertest.VMA{{Start: 0x20000, End: 0x22000, Prot: rw}}, Runs: []decodertest.Run{{Addr: 0x20000, Pages: 2, Flags: criu.PagePresent}}},
			{PID: 20, PPID: 1, Comm: "child"},
			{PID: 3, PPID: 1, Comm: "gone", Dead: true},
		},
		Members: map[string][]byte{
			"checkpoint/utsns-12.img": decodertest.Image(criu.MagicUTSNS, &utsns.UtsnsEntry{Nodename: proto.String("host"), Domainname: proto.String("(none)")}),
			"checkpoint/timens-0.img": decodertest.Image(criu.MagicTimens, &timens.TimensEntry{Monotonic: seconds, Boottime: seconds}),
			"rootfs-diff.tar":         tarOf(t, "etc/", "etc/passwd=root:x:0:0::/:/bin/sh\n", "etc/group->/etc/passwd"),
		},
	}.Open(t)
}

func TestTopOfProcs(t *testing.T) {
	root := layout.Root(system(t), layout.Options{})
	for name, want := range map[string]string{
		"procs/uptime":                "77.00 0.00\n",
		"procs/loadavg":               "0.00 0.00 0.00 0/0 0\n",
		"procs/cpuinfo":               "",
		"procs/version":               "Linux version 0.0.0\n",
		"procs/sys/kernel/hostname":   "host\n",
		"procs/sys/kernel/domainname": "(none)\n",
		"procs/sys/kernel/osrelease":  "0.0.0\n",
		"procs/sys/kernel/ostype":     "Linux\n",
		"procs/sys/kernel/pid_max":    "22\n",
		"procs/self/comm":             "sh\n",
		"procs/self/task/21/comm":     "sh\n",
	} {
		if got := read(t, root, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := read(t, root, "procs/meminfo"); !strings.HasPrefix(got, "MemTotal:              8 kB\n") {
		t.Errorf("meminfo: %q, want the two pages of process 1", got)
	}
	// In the order in which the kernel lists them.
	if got, want := list(t, root, "procs"), "cpuinfo loadavg meminfo mounts net self stat sys unavailable uptime version 1 3 20"; got != want {
		t.Errorf("procs has %s, want %s", got, want)
	}
	if got, want := list(t, root, "procs/1/task"), "1 21"; got != want {
		t.Errorf("task has %s, want %s", got, want)
	}
}

func TestTopOfProcsWithoutProcesses(t *testing.T) {
	ck := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/pstree.img": nil}}.Open(t)
	root := layout.Root(ck, layout.Options{})
	treetest.Check(t, root)
	if got, want := list(t, root, "procs"), "cpuinfo loadavg meminfo net stat sys unavailable uptime version"; got != want {
		t.Errorf("procs has %s, want %s", got, want)
	}
}

// What unavailable calls missing is not there, and tools that ask for it are
// not left to guess.
func TestMissingInUnavailable(t *testing.T) {
	root := layout.Root(system(t), layout.Options{})
	for dir, want := range map[string]string{"procs": "vmstat", "procs/1": "net/arp"} {
		var missing []string
		for line := range strings.Lines(read(t, root, dir+"/unavailable")) {
			if names, ok := strings.CutSuffix(line, ": missing\n"); ok {
				missing = append(missing, strings.Fields(names)...)
			}
		}
		if !slices.Contains(missing, want) {
			t.Errorf("%s/unavailable names %q as missing, want %s among them", dir, missing, want)
		}
		for _, name := range missing {
			if _, err := fs.Stat(tree.FS(root), path.Join(dir, name)); err == nil {
				t.Errorf("%s has %s, which unavailable calls missing", dir, name)
			}
		}
	}
}
