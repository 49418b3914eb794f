package layout_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	ipc_desc "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-desc"
	ipc_msg "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-msg"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pipe"
	pipe_data "github.com/checkpoint-restore/go-criu/v7/crit/images/pipe-data"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

// leftovers is a shell that holds what has no name: pipes of one number, memory
// files of one name and of odd ones, a deleted link and a FIFO.
func leftovers() decodertest.Checkpoint {
	owner := &fown.FownEntry{Uid: proto.Uint32(0), Euid: proto.Uint32(0), Signum: proto.Uint32(0), PidType: proto.Uint32(0), Pid: proto.Uint32(0)}
	ghost := func(mode uint32, target *string) []byte {
		return decodertest.Image(criu.MagicGhostFile, &ghost_file.GhostFileEntry{Uid: proto.Uint32(0), Gid: proto.Uint32(0), Mode: &mode, SymlnkTarget: target})
	}
	pipeOf := func(id uint32) proto.Message {
		return &fdinfo.FileEntry{Type: fdinfo.FdTypes_PIPE.Enum(), Id: &id, Pipe: &pipe.PipeEntry{Id: &id, PipeId: proto.Uint32(7), Flags: proto.Uint32(0), Fown: owner}}
	}
	fd := func(n, id uint32) proto.Message {
		return &fdinfo.FdinfoEntry{Id: &id, Flags: proto.Uint32(0), Type: fdinfo.FdTypes_REG.Enum(), Fd: &n}
	}
	memory := func(shmid uint32, size uint64, name string) proto.Message {
		zero := proto.Uint32(0)
		return &memfd.MemfdInodeEntry{Name: &name, Uid: zero, Gid: zero, Size: &size, Shmid: &shmid, Seals: proto.Uint32(0x42), InodeId: proto.Uint64(uint64(shmid))}
	}
	data := decodertest.Image(criu.MagicPipesData, &pipe_data.PipeDataEntry{PipeId: proto.Uint32(7), Bytes: proto.Uint32(2)})
	data = append(data, "AB"...)
	data = append(data, decodertest.Image(criu.MagicPipesData, &pipe_data.PipeDataEntry{PipeId: proto.Uint32(7), Bytes: proto.Uint32(1)})[8:]...)
	data = append(data, 'C')
	return decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}, {PID: 9, PPID: 1, Comm: "sh"}}, // with one table of descriptors
		Members: map[string][]byte{
			"checkpoint/files.img":           decodertest.Image(criu.MagicFiles, regularFile(0, "/"), regularFile(1, "/bin/sh"), pipeOf(2), pipeOf(3)),
			"checkpoint/fdinfo-1.img":        decodertest.Image(criu.MagicFdinfo, fd(4, 2), fd(5, 3), fd(6, 1)),
			"checkpoint/pipes-data.img":      data,
			"checkpoint/ghost-file-1.img":    ghost(0o120777, proto.String("../../etc/../shadow")),
			"checkpoint/ghost-file-2.img":    ghost(0o010640, nil),
			"checkpoint/memfd.img":           decodertest.Image(criu.MagicMemfdInode, memory(5, 4100, "../a b\n\xff"), memory(6, 4096, "lost")),
			"checkpoint/pagemap-shmem-5.img": decodertest.Pagemap(9, false, decodertest.Run{Addr: 0x1000, Pages: 1, Flags: criu.PagePresent}),
			"checkpoint/pages-9.img":         pageOf("tail"),
		},
	}
}

// regularFile is the entry of a file in files.img.
func regularFile(id uint32, path string) proto.Message {
	c := decodertest.Checkpoint{Files: map[uint32]string{id: path}}
	var e fdinfo.FileEntry
	if err := proto.Unmarshal(c.Contents()["checkpoint/files.img"][12:], &e); err != nil {
		panic(err)
	}
	return &e
}

func TestRecovered(t *testing.T) {
	ck := leftovers().Open(t)
	root := layout.Root(ck, layout.Options{})
	const pipeName, second, memory, lost = "pipe.7.pid1.fd4-fd5", "pipe.7.pid1.fd4-fd5.2", "memfd.5..._a_b__", "memfd.6.lost"
	if got, want := list(t, root, "recovered"), "SHA256SUMS deleted-fifo.2 index "+memory+" "+lost+" "+pipeName+" "+second+" symlink.1"; got != want {
		t.Errorf("recovered has\n%s, want\n%s", got, want)
	}
	for name, want := range map[string]string{pipeName: "AB", second: "C", "deleted-fifo.2": "", memory: strings.Repeat("\x00", 4096) + "tail"} {
		if got := read(t, root, "recovered/"+name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{pipeName: false, "deleted-fifo.2": true, memory: true, "symlink.1": true} {
		if got := lookup(t, root, "recovered/"+name).Attr().Unlinked; got != want {
			t.Errorf("%s has no links: %v, want %v", name, got, want)
		}
	}
	if got := lookup(t, root, "recovered/symlink.1").(tree.Symlink); got.Target() != "../rootfs/shadow" || got.Attr().Xattrs["security.ckptfs.target"] != "../../etc/../shadow" {
		t.Errorf("symlink -> %q, %v", got.Target(), got.Attr())
	}
	for _, fd := range []string{"1/fd/4", "9/fd/5"} {
		if got, want := lookup(t, root, "procs/"+fd).(tree.Symlink).Target(), "../../../recovered/"+pipeName; got != want {
			t.Errorf("fd/%s -> %q, want %q", fd, got, want)
		}
	}
	rows := strings.Split(read(t, root, "recovered/index"), "\n")
	for _, want := range []string{
		pipeName + "\tpipe\t2\t2\t1:fd4,1:fd5,9:fd4,9:fd5\tpipe:[7]\t-\t-\t-\t-\tarchive/checkpoint/pipes-data.img\t16\t1",
		memory + "\tmemfd\t4100\t4\t-\t../a b\\x0a\\xff\t-\t-\tF_SEAL_SHRINK|0x40\t-\tarchive/checkpoint/pages-9.img\t0\t1",
		lost + "\tmemfd\t4096\t4096\t-\tlost\t-\t-\tF_SEAL_SHRINK|0x40\t-\t-\t-\t-",
		"deleted-fifo.2\tdeleted-fifo\t0\t0\t-\t-\t-\t-\t-\t-\t-\t-\t-",
	} {
		if !slices.Contains(rows, want) {
			t.Errorf("the index lacks\n%s in\n%s", want, strings.Join(rows, "\n"))
		}
	}
}

// What a checkpoint does not have fails to be read, and is no zeros.
func TestLostMemory(t *testing.T) {
	root := layout.Root(leftovers().Open(t), layout.Options{})
	c, err := lookup(t, root, "recovered/memfd.6.lost").(tree.File).Content()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.ReadAt(make([]byte, 10), 0); n != 0 || err == nil {
		t.Errorf("ReadAt = %d, %v, want an error", n, err)
	}
	sums := read(t, root, "recovered/SHA256SUMS")
	if want := fmt.Sprintf("%-64s  memfd.6.lost\n", "# cannot be read:"); !strings.Contains(sums, want) {
		t.Errorf("SHA256SUMS lacks %q:\n%s", want, sums)
	}
	if want := fmt.Sprintf("%x  pipe.7.pid1.fd4-fd5\n", sha256.Sum256([]byte("AB"))); !strings.Contains(sums, want) {
		t.Errorf("SHA256SUMS lacks %q:\n%s", want, sums)
	}
	warnings := read(t, root, "warnings")
	for _, want := range []string{"shared memory 6 is absent", "recovered/memfd.6.lost: 0x0: not in the checkpoint"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings lack %q:\n%s", want, warnings)
		}
	}
}

func TestRecoveredConforms(t *testing.T) {
	c := leftovers()
	c.Members["checkpoint/pagemap-shmem-6.img"] = decodertest.Pagemap(10, false)
	treetest.Check(t, layout.Root(c.Open(t), layout.Options{}))
	treetest.Check(t, layout.Root(c.Open(t), layout.Options{RawLinks: true}), treetest.RawLinks)
}

// The SysV objects have a second name below ns/, and are one file by both.
func TestIPCObjects(t *testing.T) {
	c := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/ipcns-msg-11.img": messageImage("SECRET")}}
	root := layout.Root(c.Open(t), layout.Options{})
	const first, second = "recovered/sysv-msg.5.key0x1234.0001.type7", "ns/ipc/msg.5.0001"
	if a, b := read(t, root, first), read(t, root, second); a != "SECRET" || b != a {
		t.Errorf("%q and %q, want SECRET", a, b)
	}
	a, b := lookup(t, root, first).Attr(), lookup(t, root, second).Attr()
	if a.InodePath != first || b.InodePath != first || a.Nlink != 2 {
		t.Errorf("%+v and %+v are not one file", a, b)
	}
}

// Five hundred objects that would have one name but for what tells them apart.
func TestOneName(t *testing.T) {
	var inodes []proto.Message
	for i := range uint32(500) {
		zero := proto.Uint32(0)
		inodes = append(inodes, &memfd.MemfdInodeEntry{
			Name: proto.String("m"), Uid: zero, Gid: zero, Size: proto.Uint64(0), Shmid: &i, Seals: zero, InodeId: proto.Uint64(uint64(i)),
		})
	}
	c := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/memfd.img": decodertest.Image(criu.MagicMemfdInode, inodes...)}}
	root := layout.Root(c.Open(t), layout.Options{})
	names := strings.Fields(list(t, root, "recovered"))
	slices.Sort(names)
	if len(slices.Compact(names)) != 502 {
		t.Errorf("%d names, want those of 500 memory files, the index and the sums", len(names))
	}
}

// messageImage is a SysV queue with one message of type 7.
func messageImage(text string) []byte {
	zero := proto.Uint32(0)
	b := decodertest.Image(criu.MagicIPCNSMsg, &ipc_msg.IpcMsgEntry{Qbytes: zero, Qnum: proto.Uint32(1), Desc: &ipc_desc.IpcDescEntry{
		Key: proto.Uint32(0x1234), Id: proto.Uint32(5), Uid: zero, Gid: zero, Cuid: zero, Cgid: zero, Mode: proto.Uint32(0o600),
	}}, &ipc_msg.IpcMsg{Mtype: proto.Uint64(7), Msize: proto.Uint32(uint32(len(text)))})
	return append(append(b, text...), make([]byte, -len(text)&7)...)
}

func TestArchiveSums(t *testing.T) {
	c := decodertest.Checkpoint{Members: map[string][]byte{"odd\\name\nof\ra file": []byte("x"), "folder/inner": []byte("y")}}
	root := layout.Root(c.Open(t), layout.Options{})
	sums := read(t, root, "SHA256SUMS")
	for _, want := range []string{
		fmt.Sprintf("\\%x  odd\\\\name\\nof\\ra file\n", sha256.Sum256([]byte("x"))),
		fmt.Sprintf("%x  folder/inner\n", sha256.Sum256([]byte("y"))),
	} {
		if !strings.Contains(sums, want) {
			t.Errorf("SHA256SUMS lacks %q:\n%s", want, sums)
		}
	}
}
