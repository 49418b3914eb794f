package report_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/report"
)

// show is the summary of a checkpoint with these sections.
func show(t *testing.T, ck *decoder.Checkpoint, ask ...report.Section) string {
	t.Helper()
	var b strings.Builder
	if err := report.Summary(&b, ck, ask...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkLines checks that a text has these lines, one behind the other.
func checkLines(t *testing.T, text string, want ...string) {
	t.Helper()
	if !strings.Contains("\n"+text, "\n"+strings.Join(want, "\n")+"\n") {
		t.Errorf("it lacks\n%s\nand is\n%s", strings.Join(want, "\n"), text)
	}
}

var files = map[uint32]string{0: "/", 1: "/init"}

func ids(net, user uint32) *criu_core.TaskKobjIdsEntry {
	return &criu_core.TaskKobjIdsEntry{
		VmId: proto.Uint32(1), FilesId: proto.Uint32(1), FsId: proto.Uint32(1), SighandId: proto.Uint32(1),
		NetNsId: proto.Uint32(net), UserNsId: proto.Uint32(user),
	}
}

// A container of a pod is named as the pod names it.
func TestPod(t *testing.T) {
	ck := decodertest.Checkpoint{Members: map[string][]byte{
		"config.dump": []byte(`{"id": "0a1b", "name": "k8s_counter_counters_default_3f_2", "rootfsImageName": "quay.io/counter:blog", "runtime": "runc",
			"createdTime": "2026-11-23T17:38:41.5+01:00", "checkpointedTime": "2026-11-23T16:40:00Z"}`),
		"spec.dump": []byte(`{"annotations": {"io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.name": "counters",
			"io.kubernetes.pod.uid": "3f", "io.kubernetes.cri-o.IP.0": "10.0.0.4", "io.kubernetes.cri-o.Metadata": "{\"name\":\"counter\",\"attempt\":2}",
			"kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":{\"restartPolicy\":\"Always\"}}"},
			"linux": {"namespaces": [{"type": "network", "path": "/var/run/netns/5a"}]}}`),
		"io.kubernetes.cri-o.LogPath": []byte("hello\n"),
	}}.Open(t)
	checkLines(t, show(t, ck),
		"container:    counter",
		"full name:    k8s_counter_counters_default_3f_2",
		"id:           0a1b",
		"image:        quay.io/counter:blog",
		"engine:       CRI-O",
		"runtime:      runc",
		"namespace:    default",
		"pod:          counters, uid 3f, container started 2 times before",
		"restart:      Always",
		"created:      2026-11-23T16:38:41Z",
		"checkpointed: 2026-11-23T16:40:00Z",
		"network:      10.0.0.4")
	checkLines(t, show(t, ck), "log:          archive/io.kubernetes.cri-o.LogPath")
}

// A time of 1970 is none.
func TestTimeUnknown(t *testing.T) {
	ck := decodertest.Checkpoint{Members: map[string][]byte{"config.dump": []byte(`{"name": "web", "createdTime": "1970-01-01T00:00:00Z"}`)}}.Open(t)
	ck.Time = time.Unix(0, 0)
	if text := show(t, ck); strings.Contains(text, "1970") || strings.Contains(text, "created:") {
		t.Errorf("it has a time of 1970:\n%s", text)
	}
}

// A published port is shown as `podman ps` does.
func TestPorts(t *testing.T) {
	ck := decodertest.Checkpoint{Members: map[string][]byte{"config.dump": []byte(`{"newPortMappings": [
		{"container_port": 80, "host_port": 8080, "range": 1, "protocol": "tcp"},
		{"host_ip": "127.0.0.1", "container_port": 65530, "host_port": 65530, "range": 10, "protocol": "udp"},
		{"host_ip": "::1", "container_port": 1, "host_port": 2, "protocol": "sctp"}]}`)}}.Open(t)
	checkLines(t, show(t, ck), "ports:        8080->80/tcp 127.0.0.1:65530-65539->65530-65539/udp [::1]:2->1/sctp")
}

// What processes may do is said once for all that may do the same, and of a
// thread that may do something else.
func TestSecurity(t *testing.T) {
	core := func(uid, euid uint32, caps []uint32, profile *string) []byte {
		id := proto.Uint32(uid)
		return decodertest.Image(criu.MagicCore, &criu_core.CoreEntry{
			Mtype: criu_core.CoreEntry_X86_64.Enum(),
			ThreadCore: &criu_core.ThreadCoreEntry{
				FutexRla: proto.Uint64(0), FutexRlaLen: proto.Uint32(0), Comm: proto.String("t"),
				Creds: &creds.CredsEntry{
					Uid: id, Gid: id, Euid: proto.Uint32(euid), Egid: id, Suid: id, Sgid: id, Fsuid: id, Fsgid: id, Secbits: proto.Uint32(0),
					CapPrm: caps, CapEff: caps, LsmProfile: profile, Groups: []uint32{4, 27},
				},
				SeccompMode: criu_core.SeccompMode_strict.Enum(),
			},
		})
	}
	const all = "permitted, effective: all"
	ck := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "a"}, {PID: 2, PPID: 1, Comm: "b"}, {PID: 3, PPID: 1, Comm: "c", Threads: []int{4, 5}}},
		Files:     files,
		Members: map[string][]byte{
			"checkpoint/inventory.img": decodertest.Image(criu.MagicInventory, &inventory.InventoryEntry{
				ImgVersion: proto.Uint32(2), Lsmtype: inventory.Lsmtype_SELINUX.Enum(),
			}),
			"checkpoint/core-2.img": core(0, 0, []uint32{0xffffffff, 0x1ff}, nil),
			"checkpoint/core-4.img": core(7, 0, []uint32{1 << 21, 1 << 31}, proto.String("system_u:\x1b[31m")),
		},
	}.Open(t)
	checkLines(t, show(t, ck),
		"security",
		"  1 3: uid 1000, gid 1000, seccomp disabled, lsm selinux",
		"    permitted, effective, inheritable, ambient, bounding: none",
		"  2: uid 0, gid 0, groups 4 27, seccomp strict, lsm selinux",
		"    "+all,
		"    inheritable, ambient, bounding: none",
		`  thread 4: uid 7 (effective 0), gid 7, groups 4 27, seccomp strict, selinux system_u:\x1b[31m`,
		"    permitted, effective: cap_sys_admin cap_63",
		"    inheritable, ambient, bounding: none",
		"")
}

// A namespace that CRIU was in is the host's.
func TestNamespaces(t *testing.T) {
	ck := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1}, {PID: 2}, {PID: 3}, {PID: 4}, {PID: 5, Dead: true}},
		Files:     files,
		Members: map[string][]byte{
			"spec.dump": []byte(`{"linux": {"namespaces": [{"type": "network", "path": "/proc/7/ns/net"}, {"type": "user", "path": ""}]}}`),
			"checkpoint/inventory.img": decodertest.Image(criu.MagicInventory, &inventory.InventoryEntry{
				ImgVersion: proto.Uint32(2), RootIds: ids(2, 7),
			}),
			"checkpoint/ids-1.img": decodertest.Image(criu.MagicIDs, ids(10, 7)),
			"checkpoint/ids-2.img": decodertest.Image(criu.MagicIDs, ids(10, 7)),
			"checkpoint/ids-3.img": decodertest.Image(criu.MagicIDs, ids(10, 7)),
			"checkpoint/ids-4.img": decodertest.Image(criu.MagicIDs, ids(14, 7)),
		},
	}.Open(t)
	checkLines(t, show(t, ck),
		"namespaces",
		"  net: the container's, with 1-3 in it",
		"  net: the container's, with 4 in it",
		"  user: the host's, with 1-4 in it",
		"  net is that at /proc/7/ns/net of the host",
		"")
}

// Processes that share a table of descriptors are in one line, however many.
func TestFiles(t *testing.T) {
	c := decodertest.Checkpoint{Files: map[uint32]string{0: "/", 1: "/init", 2: "/a\x1b[2J"}, Members: map[string][]byte{
		"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo, &fdinfo.FdinfoEntry{
			Id: proto.Uint32(2), Fd: proto.Uint32(3), Type: fdinfo.FdTypes_REG.Enum(), Flags: proto.Uint32(0),
		}),
	}}
	for pid := range 100 {
		c.Processes = append(c.Processes, decodertest.Process{PID: 1 + pid})
	}
	checkLines(t, show(t, c.Open(t), report.Files),
		"FD      FILE                                     PROCESSES",
		"exe     /init                                    1-64 and 36 more",
		"cwd     /                                        1-64 and 36 more",
		"root    /                                        1-64 and 36 more",
		`3    r  /a\x1b[2J                                1-64 and 36 more`)
}

// The environment is shown on demand only, and no more of it than there is
// room for.
func TestEnvironment(t *testing.T) {
	const page = 0x10000
	env := "A=1\x00B=\x1b[31m\x00"
	ck := decodertest.Checkpoint{
		Processes: []decodertest.Process{
			{
				PID: 1, Comm: "a", VMAs: []decodertest.VMA{{Start: page, End: page + 0x1000, Prot: decoder.ProtRead}},
				Runs: []decodertest.Run{{Addr: page, Pages: 1, Flags: criu.PagePresent, Data: []byte(env + strings.Repeat("\x00", 4096-len(env)))}},
				Env:  decoder.Range{Start: page, End: page + decoder.Addr(len(env))},
			},
			// Never touched, and so a million of empty strings.
			{
				PID: 2, Comm: "b", VMAs: []decodertest.VMA{{Start: page, End: page + 0x100000, Prot: decoder.ProtRead}},
				Args: decoder.Range{Start: page, End: page + 0x100000}, Env: decoder.Range{Start: page, End: page + 0x100000},
			},
		},
		Files: files,
	}.Open(t)
	checkLines(t, show(t, ck, report.Environment), "environment", "  1", "    A=1", `    B=\x1b[31m`)
	if text := show(t, ck); strings.Contains(text, "A=1") {
		t.Errorf("the environment is shown without being asked for:\n%s", text)
	}
	for _, row := range []struct {
		ask  []report.Section
		want int
	}{{nil, 0}, {[]report.Section{report.Environment}, 64 << 10}} {
		var s struct {
			Processes []struct {
				Cut               bool
				Args, Environment []string
			}
		}
		decodeJSON(t, ck, &s, row.ask...)
		p := s.Processes[1]
		if !p.Cut || len(p.Args) != 64<<10 || len(p.Environment) != row.want {
			t.Errorf("with %q: cut %v, %d arguments, environment of %d; want true, %d and %d",
				row.ask, p.Cut, len(p.Args), len(p.Environment), 64<<10, row.want)
		}
	}
}

func decodeJSON(t *testing.T, ck *decoder.Checkpoint, v any, ask ...report.Section) {
	t.Helper()
	var b strings.Builder
	if err := report.JSON(&b, ck, ask...); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b.String()), v); err != nil {
		t.Fatal(err)
	}
}

// Every member is counted once, by its kind, and with its folder.
func TestContents(t *testing.T) {
	ck := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1}}, Files: files, Members: map[string][]byte{
		"rootfs-diff.tar": make([]byte, 2048), "volumes/a.tar": make([]byte, 10), "volumes/b.tar": make([]byte, 20), "odd": make([]byte, 1),
		"checkpoint/amdgpu-pages-1": make([]byte, 3), "checkpoint/ghost-file-1.img": make([]byte, 4), "dump.log": make([]byte, 5), "ctr.log": make([]byte, 6),
	}}.Open(t)
	var s struct {
		Archive struct {
			Members int
			Bytes   int64 `json:"checkpoint_bytes"`
			GPU     int64 `json:"gpu_pages_bytes"`
			Diff    int64 `json:"rootfs_diff_bytes"`
			Kinds   []struct {
				Kind           string
				Members, Bytes int64
			}
		}
	}
	decodeJSON(t, ck, &s)
	counted, bytes := int64(0), int64(0)
	var got []string
	for _, k := range s.Archive.Kinds {
		counted += k.Members
		bytes += k.Bytes
		if k.Kind != "other images" {
			got = append(got, fmt.Sprintf("%s %d %d", k.Kind, k.Members, k.Bytes))
		}
	}
	want := "memory pages 1 0, GPU memory pages 1 3, deleted files 1 4, rootfs diff 1 2048, volumes 2 30, container log 1 6, CRIU logs 1 5, other 1 1"
	if strings.Join(got, ", ") != want {
		t.Errorf("kinds = %q, want %q", strings.Join(got, ", "), want)
	}
	if int(counted) != s.Archive.Members {
		t.Errorf("%d members are counted, want %d", counted, s.Archive.Members)
	}
	if outside := bytes - s.Archive.Bytes; outside != 2048+30+1+5+6 || s.Archive.GPU != 3 || s.Archive.Diff != 2048 {
		t.Errorf("%d bytes outside of checkpoint/, %d of GPU pages, %d of rootfs diff; want 2090, 3 and 2048", outside, s.Archive.GPU, s.Archive.Diff)
	}
}

// A tree with a circle of parents has every process once.
func TestTreeOfCircles(t *testing.T) {
	ck := decodertest.Checkpoint{Processes: []decodertest.Process{
		{PID: 1, Comm: "a"}, {PID: 2, PPID: 3, Comm: "b"}, {PID: 3, PPID: 2, Comm: "c"}, {PID: 4, PPID: 4, Comm: "d"}, {PID: 5, PPID: 1, Comm: "e", Dead: true},
	}, Files: files}.Open(t)
	checkLines(t, show(t, ck),
		"    PID    PPID S    UID THREADS COMMAND",
		"      1       0 S   1000       1 [a]",
		"      5       1 Z      -       1   [e] (exited with 0)",
		"      4       4 S   1000       1 [d]",
		"      2       3 S   1000       1 [b]",
		"      3       2 S   1000       1 [c]")
}
