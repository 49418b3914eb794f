package decoder_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fifo"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	ipc_desc "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-desc"
	ipc_msg "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-msg"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/utsns"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// warned tells whether a warning says so.
func warned(ck *decoder.Checkpoint, text string) bool {
	return strings.Contains(strings.Join(ck.Warnings.List(), "\n"), text)
}

// A table of descriptors that many processes share does not multiply without
// bound.
func TestSharedTable(t *testing.T) {
	const processes, descriptors, most = 100, 50_000, 4 << 20
	c := decodertest.Checkpoint{Files: map[uint32]string{1: "/x"}}
	for i := range processes {
		c.Processes = append(c.Processes, decodertest.Process{PID: i + 1})
	}
	var table []proto.Message
	for i := range uint32(descriptors) {
		table = append(table, &fdinfo.FdinfoEntry{Id: proto.Uint32(1), Fd: proto.Uint32(i), Flags: proto.Uint32(0), Type: fdinfo.FdTypes_REG.Enum()})
	}
	c.Members = map[string][]byte{"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo, table...)}
	ck := c.Open(t)
	sum := 0
	for _, p := range ck.Processes {
		sum += len(p.Descriptors)
	}
	if want := most / descriptors * descriptors; sum != want || !warned(ck, "process 84: its 50000 descriptors are left out") {
		t.Errorf("%d descriptors of all processes, warnings %.300q, want %d", sum, ck.Warnings.List(), want)
	}
}

// An archive of some KB that expands to images of hundreds of MB is not decoded
// to the end.
func TestImageBomb(t *testing.T) {
	const images, size = 6, 60 << 20
	c := decodertest.Checkpoint{Members: map[string][]byte{}}
	name := strings.Repeat("n", size)
	for i := range images {
		c.Members[fmt.Sprintf("checkpoint/utsns-%d.img", i+1)] = decodertest.Image(criu.MagicUTSNS,
			&utsns.UtsnsEntry{Nodename: proto.String(name), Domainname: proto.String("")})
	}
	ck, err := decoder.Open(decodertest.OpenArchive(t, decodertest.Gzip(c.Tar())), decoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	if len(ck.UTS) >= images || !warned(ck, "more than can be decoded of so small an archive") {
		t.Errorf("%d images of %d bytes decoded, warnings %.300q", len(ck.UTS), size, ck.Warnings.List())
	}
}

// A text ends at its NUL, as it does for CRIU and for the kernel.
func TestNULs(t *testing.T) {
	c := decodertest.Checkpoint{
		Files:     map[uint32]string{1: "/bin/a\x00b"},
		Processes: []decodertest.Process{{PID: 1, Comm: "ab\x00cd"}},
		Members: map[string][]byte{
			"checkpoint/utsns-1.img": decodertest.Image(criu.MagicUTSNS, &utsns.UtsnsEntry{Nodename: proto.String("host\x00x"), Domainname: proto.String("\x00")}),
		},
	}
	ck := c.Open(t)
	p, uts := ck.Processes[0], ck.UTS[0]
	if p.Comm != "ab" || p.MM.Exe.Path != "/bin/a" || uts.NodeName != "host" || uts.DomainName != "" {
		t.Errorf("%q, %q, %q, %q", p.Comm, p.MM.Exe.Path, uts.NodeName, uts.DomainName)
	}
}

func TestLongGhostTarget(t *testing.T) {
	ghost := func(n int) []byte {
		return decodertest.Image(criu.MagicGhostFile, &ghost_file.GhostFileEntry{
			Uid: proto.Uint32(0), Gid: proto.Uint32(0), Mode: proto.Uint32(0o120777), SymlnkTarget: proto.String(strings.Repeat("t", n)),
		})
	}
	ck := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/ghost-file-1.img": ghost(4095), "checkpoint/ghost-file-2.img": ghost(4096)}}.Open(t)
	list := ck.Objects()
	if len(list) != 2 || len(list[0].Target) != 4095 || list[1].Target != "" || !warned(ck, "a target of 4096 bytes, left out") {
		t.Errorf("%d objects, warnings %.300q", len(list), ck.Warnings.List())
	}
}

// Two queues of one id would be two files of one name.
func TestRepeatedQueue(t *testing.T) {
	zero := func() *uint32 { return proto.Uint32(0) }
	desc := &ipc_desc.IpcDescEntry{Key: zero(), Uid: zero(), Gid: zero(), Cuid: zero(), Cgid: zero(), Mode: zero(), Id: proto.Uint32(5)}
	queue := &ipc_msg.IpcMsgEntry{Desc: desc, Qbytes: zero(), Qnum: zero()}
	ck := decodertest.Checkpoint{Members: map[string][]byte{
		"checkpoint/ipcns-msg-1.img": decodertest.Image(criu.MagicIPCNSMsg, queue, queue),
	}}.Open(t)
	if len(ck.IPC) != 1 || len(ck.IPC[0].Queues) != 1 || !warned(ck, "queue 5: there more than once") {
		t.Errorf("%+v, warnings %q", ck.IPC, ck.Warnings.List())
	}
}

// A chain of parents is followed for as long as somebody could have made it.
func TestEndlessParents(t *testing.T) {
	c := decodertest.Checkpoint{Members: map[string][]byte{}, Links: map[string]string{}}
	inventory := c.Contents()["checkpoint/inventory.img"]
	c.Links["checkpoint/parent"] = "../0"
	for i := range 1100 {
		c.Members[fmt.Sprintf("%d/inventory.img", i)] = inventory
		c.Links[fmt.Sprintf("%d/parent", i)] = fmt.Sprintf("../%d", i+1)
	}
	if ck := c.Open(t); !warned(ck, "a chain of more than 1000 parents, which ends here") {
		t.Errorf("warnings %q", ck.Warnings.List())
	}
}

// A list of deleted files may be long, other metadata may not.
func TestLongMetadata(t *testing.T) {
	list := []byte(`["/a"` + strings.Repeat(`,"/d/abcdefghi"`, 500_000) + "]")
	ck := decodertest.Checkpoint{Members: map[string][]byte{
		"deleted.files": list,
		"spec.dump":     bytes.Join([][]byte{[]byte(`{"mounts":[{}`), bytes.Repeat([]byte(",{}"), 2_000_000), []byte("]}")}, nil),
	}}.Open(t)
	if n := len(ck.DeletedFiles()); n != 500_001 || ck.Container.Spec != nil || !warned(ck, "spec.dump: larger than 4194304 bytes, not decoded") {
		t.Errorf("%d deleted files, warnings %.300q", n, ck.Warnings.List())
	}
}

// A mount point of 4,000 bytes is two thousand folders: all together are bounded.
func TestFoldersOfMounts(t *testing.T) {
	const mounts, depth = 3000, 1000
	var list []proto.Message
	for i := range uint32(mounts) {
		list = append(list, &mnt.MntEntry{
			Fstype: proto.Uint32(0), MntId: proto.Uint32(i + 1), ParentMntId: proto.Uint32(0), RootDev: proto.Uint32(0), Flags: proto.Uint32(0),
			Root: proto.String("/"), Mountpoint: proto.String(fmt.Sprintf("/%d%s", i, strings.Repeat("/d", depth-1))), Source: proto.String(""), Options: proto.String(""),
		})
	}
	ck := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/mountpoints-1.img": decodertest.Image(criu.MagicMountpoints, list...)}}.Open(t)
	n := 0
	for _, ns := range ck.MountNamespaces() {
		n += len(ns.Table)
	}
	if want := 2 << 20 / depth; n != want || !warned(ck, "more than 2097152 folders on the way to mount points") {
		t.Errorf("%d mounts, warnings %.300q, want %d", n, ck.Warnings.List(), want)
	}
}

// Pages that are holes take no room, and without end nobody could read them.
func TestHolesOfPages(t *testing.T) {
	const gib = 1 << 30
	for _, test := range []struct {
		size int64
		want bool
	}{{100 * gib, true}, {300 * gib, false}} {
		c := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, VMAs: []decodertest.VMA{{Start: 1 << 40, End: 1<<40 + uint64(test.size), Prot: decoder.ProtRead}}}}}
		contents := c.Contents()
		contents["checkpoint/pagemap-1.img"] = decodertest.Pagemap(1, false, decodertest.Run{Addr: 1 << 40, Pages: int(test.size / 4096), Flags: criu.PagePresent})
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "checkpoint"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range contents {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Truncate(filepath.Join(dir, "checkpoint/pages-1.img"), test.size); err != nil {
			t.Fatal(err)
		}
		a, err := archive.Open(dir, archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ck, err := decoder.Open(a, decoder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer ck.Close()
		if got := ck.Processes[0].MM.Capture != nil; got != test.want || warned(ck, "bytes of holes") == test.want {
			t.Errorf("holes of %d bytes: captured %v, warnings %q, want %v", test.size, got, ck.Warnings.List(), test.want)
		}
	}
}

// To ask for the leader of a process does not mean to go through its threads,
// which ask for it themselves.
func TestThreadsWithoutLeader(t *testing.T) {
	const threads, enough = 1 << 15, 5 * time.Second
	p := decoder.Process{PID: 1}
	for i := range threads {
		p.Threads = append(p.Threads, &decoder.Thread{TID: i + 2})
	}
	start := time.Now()
	for range p.Threads {
		if p.Leader() != nil {
			t.Fatal("another thread is the leader")
		}
	}
	if took := time.Since(start); took > enough {
		t.Errorf("it took %v", took)
	}
}

// Shared memory of many pieces that is mapped many times is mapped as often as
// somebody could go through it.
func TestPiecesOfMappings(t *testing.T) {
	const mappings, runs, most = 1000, 100_000, 16 << 20
	p := decodertest.Process{PID: 1}
	for i := range uint64(mappings) {
		start := 1<<32 + i*runs*0x2000
		p.VMAs = append(p.VMAs,
			decodertest.VMA{Start: start, End: start + runs*0x2000 - 0x1000, Prot: decoder.ProtRead, ShmID: 2, Flags: decoder.MapShared, Status: decoder.StatusRegular | decoder.StatusAnonShared},
			decodertest.VMA{Start: start + runs*0x2000 - 0x1000, End: start + runs*0x2000, Prot: decoder.ProtRead})
	}
	var list []decodertest.Run
	for i := range uint64(runs) {
		list = append(list, decodertest.Run{Addr: i * 0x2000, Pages: 1, Flags: criu.PageLazy})
	}
	ck := decodertest.Checkpoint{Processes: []decodertest.Process{p}, Members: map[string][]byte{
		"checkpoint/pagemap-shmem-2.img": decodertest.Pagemap(1, false, list...),
	}}.Open(t)
	n := 0
	for _, v := range ck.Processes[0].MM.VMAs {
		if v.Shared != nil {
			n++
		}
	}
	if want := most / (runs + 1); n != want || len(ck.Processes[0].MM.VMAs) != mappings+n || !warned(ck, "all mappings together are of more than") {
		t.Errorf("%d mappings of shared memory, want %d, warnings %.300q", n, want, ck.Warnings.List())
	}
}

// What stands where does not depend on chance, even of an impossible mount table:
// two mounts over all of one, and two at the same place.
func TestImpossibleMounts(t *testing.T) {
	var list []proto.Message
	mount := func(id, parent uint32, point string, dev uint32) {
		list = append(list, &mnt.MntEntry{
			Fstype: proto.Uint32(uint32(mnt.Fstype_TMPFS)), MntId: &id, ParentMntId: &parent, RootDev: &dev, Flags: proto.Uint32(0),
			Root: proto.String("/"), Mountpoint: &point, Source: proto.String(""), Options: proto.String(""),
		})
	}
	mount(1, 0, "/", 1)
	members := map[string][]byte{}
	for i := range uint32(8) {
		mount(10+i, 1, "/a", 10+i)
		mount(30+i, 10, "/a", 30+i)
		for _, dev := range []uint32{10 + i, 30 + i} {
			members[fmt.Sprintf("checkpoint/tmpfs-dev-%d.tar.gz.img", dev)] = decodertest.TarOf(map[string][]byte{fmt.Sprint(dev): nil}, nil)
		}
	}
	members["checkpoint/mountpoints-1.img"] = decodertest.Image(criu.MagicMountpoints, list...)
	ck := decodertest.Checkpoint{Members: members}.Open(t)
	seen := make(map[string]bool)
	for range 20 {
		text := ""
		for _, m := range ck.Mounts().Below {
			for _, layer := range m.Layers {
				a, err := layer.Archive()
				if err != nil || len(a.Members()) != 1 {
					t.Fatalf("%v", err)
				}
				text += " " + a.Members()[0].Name
			}
		}
		seen[text] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d orders: %v", len(seen), seen)
	}
}

// A FIFO at the path of a terminal at the path of a file, which no image says, is
// the same each time.
func TestPathsOfPaths(t *testing.T) {
	const chain = 50
	var list []proto.Message
	reg := regWithBuildID(1, "/x")
	list = append(list, reg)
	for i := range uint32(chain) {
		list = append(list, &fdinfo.FileEntry{Type: fdinfo.FdTypes_FIFO.Enum(), Id: proto.Uint32(i + 2), Fifo: &fifo.FifoEntry{
			Id: proto.Uint32(i + 2), PipeId: proto.Uint32(0), RegfId: proto.Uint32(i + 1),
		}})
	}
	c := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/files.img": decodertest.Image(criu.MagicFiles, list...)}}
	seen := make(map[string]bool)
	for range 10 {
		seen[strings.Join(c.Open(t).Warnings.List(), "\n")] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d lists of warnings", len(seen))
	}
}

// An entry that would take much more memory than it has bytes is not decoded,
// and costs the others nothing.
func TestWeightOfEntries(t *testing.T) {
	const most = 192 << 20
	repeat := func(n int, field ...byte) proto.Message {
		e := new(emptypb.Empty)
		e.ProtoReflect().SetUnknown(bytes.Repeat(field, n))
		return e
	}
	auxv := protowire.AppendVarint([]byte{13<<3 | 2}, 40<<20)
	for _, test := range []struct {
		name, image string
		magic       criu.Magic
		entry       proto.Message
	}{
		{"empty mappings", "mm-1.img", criu.MagicMM, repeat(4<<20, 14<<3|2, 0)},
		{"empty filters in one", "seccomp.img", criu.MagicSeccomp, repeat(4<<20, 1<<3|2, 2, 1<<3|2, 0)},
		{"zeros in the auxiliary vector", "mm-1.img", criu.MagicMM, repeat(1, append(auxv, make([]byte, 40<<20)...)...)},
		{"zeros in a field that is not known", "core-1.img", criu.MagicCore, repeat(1, append(protowire.AppendVarint([]byte{0xfa, 0x01}, 40<<20), make([]byte, 40<<20)...)...)},
	} {
		c := sample()
		c.Members = map[string][]byte{
			"checkpoint/" + test.image: decodertest.Image(test.magic, test.entry),
			"checkpoint/utsns-1.img":   decodertest.Image(criu.MagicUTSNS, &utsns.UtsnsEntry{Nodename: proto.String("host"), Domainname: proto.String("")}),
		}
		a := decodertest.OpenArchive(t, decodertest.Gzip(c.Tar()))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ck, err := decoder.Open(a, decoder.Options{})
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("%s: decoding took %d MiB", test.name, n>>20)
		}
		if !warned(ck, "checkpoint/"+test.image+": offset 12: an entry of ") || !warned(ck, "more than can be decoded of so small an archive") || len(ck.UTS) != 1 {
			t.Errorf("%s: warnings %.300q, %d UTS namespaces", test.name, ck.Warnings.List(), len(ck.UTS))
		}
		ck.Close()
	}
}
