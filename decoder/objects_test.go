package decoder_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pipe"
	pipe_data "github.com/checkpoint-restore/go-criu/v7/crit/images/pipe-data"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v7/crit/images/remap-file-path"
	sk_opts "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-opts"
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	sk_unix "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-unix"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"
	criu_time "github.com/checkpoint-restore/go-criu/v7/crit/images/time"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tty"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// withPayload is an image in which a payload stands behind each entry, given in
// turns.
func withPayload(magic criu.Magic, parts ...any) []byte {
	b := decodertest.Image(magic)
	for _, p := range parts {
		switch p := p.(type) {
		case proto.Message:
			b = append(b, decodertest.Image(magic, p)[8:]...)
		case string:
			b = append(b, p...)
		}
	}
	return b
}

func regular(id uint32, name string) *fdinfo.FileEntry {
	return &fdinfo.FileEntry{Type: fdinfo.FdTypes_REG.Enum(), Id: &id, Reg: &regfile.RegFileEntry{
		Id: &id, Name: &name, Flags: proto.Uint32(0), Pos: proto.Uint64(0), Fown: fownEntry(), MntId: proto.Int32(-1),
	}}
}

func unixSocket(id, ino, typ uint32, name string) *fdinfo.FileEntry {
	zero := proto.Uint32(0)
	return &fdinfo.FileEntry{Type: fdinfo.FdTypes_UNIXSK.Enum(), Id: &id, Usk: &sk_unix.UnixSkEntry{
		Id: &id, Ino: &ino, Type: &typ, State: zero, Flags: zero, Uflags: zero, Backlog: zero, Peer: zero, Fown: fownEntry(),
		Opts: &sk_opts.SkOptsEntry{SoSndbuf: zero, SoRcvbuf: zero, SoSndTmoSec: proto.Uint64(0), SoSndTmoUsec: proto.Uint64(0), SoRcvTmoSec: proto.Uint64(0), SoRcvTmoUsec: proto.Uint64(0)},
		Name: []byte(name),
	}}
}

func pipeEnd(id, pipeID uint32) *fdinfo.FileEntry {
	return &fdinfo.FileEntry{Type: fdinfo.FdTypes_PIPE.Enum(), Id: &id, Pipe: &pipe.PipeEntry{Id: &id, PipeId: &pipeID, Flags: proto.Uint32(0), Fown: fownEntry()}}
}

func pipeData(id uint32, size int) *pipe_data.PipeDataEntry {
	return &pipe_data.PipeDataEntry{PipeId: &id, Bytes: proto.Uint32(uint32(size))}
}

func packet(file uint32, size int, rights ...uint32) *sk_packet.SkPacketEntry {
	e := &sk_packet.SkPacketEntry{IdFor: &file, Length: proto.Uint32(uint32(size))}
	if rights != nil {
		e.Scm = []*sk_packet.ScmEntry{{Type: proto.Uint32(1), Rights: rights}}
	}
	return e
}

func tcpStream(in, out uint32) *tcp_stream.TcpStreamEntry {
	zero := proto.Uint32(0)
	return &tcp_stream.TcpStreamEntry{InqLen: &in, InqSeq: zero, OutqLen: &out, OutqSeq: zero, OptMask: zero, SndWscale: zero, MssClamp: zero}
}

func remap(orig, to uint32, typ remap_file_path.RemapType) *remap_file_path.RemapFilePathEntry {
	return &remap_file_path.RemapFilePathEntry{OrigId: &orig, RemapId: &to, RemapType: typ.Enum()}
}

func memfdInode(shmid uint32, size uint64, name string) *memfd.MemfdInodeEntry {
	zero := proto.Uint32(0)
	return &memfd.MemfdInodeEntry{Name: &name, Uid: zero, Gid: zero, Size: &size, Shmid: &shmid, Seals: zero, InodeId: proto.Uint64(uint64(shmid))}
}

// describe gives objects as "kind id part owners name=bytes".
func describe(t *testing.T, list []*decoder.Object) string {
	t.Helper()
	var all []string
	for _, o := range list {
		text := fmt.Sprint(o.Kind, " ", o.ID)
		if o.Part != "" {
			text += " " + o.Part
		}
		for _, owner := range o.Owners {
			text += fmt.Sprintf(" %d:%d:%x", owner.PID, owner.Via, owner.N)
		}
		if o.Name != "" {
			text += fmt.Sprintf(" %q", o.Name)
		}
		switch {
		case o.Bytes != nil:
			b, err := io.ReadAll(io.NewSectionReader(o.Bytes.Content(), 0, o.Bytes.Size))
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			text += "=" + string(b)
		case o.Memory != nil:
			text += fmt.Sprintf("=memory %d", o.Memory.Size)
		default:
			text += fmt.Sprint(" without bytes ", o.Err != nil)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestObjects(t *testing.T) {
	const (
		files, table, remaps = "checkpoint/files.img", "checkpoint/fdinfo-1.img", "checkpoint/remap-fpath.img"
		pipes, queues, ttys  = "checkpoint/pipes-data.img", "checkpoint/sk-queues.img", "checkpoint/tty-data.img"
		stream               = "checkpoint/tcp-stream-ff.img"
		dgram, stream1       = 2, 1
	)
	type members = map[string][]byte
	open := func(list ...*fdinfo.FileEntry) []byte {
		var messages []proto.Message
		for _, e := range list {
			messages = append(messages, e)
		}
		return decodertest.Image(criu.MagicFiles, messages...)
	}
	fds := func(ids ...uint32) []byte {
		var messages []proto.Message
		for i, id := range ids {
			messages = append(messages, &fdinfo.FdinfoEntry{Id: &id, Flags: proto.Uint32(0), Type: fdinfo.FdTypes_REG.Enum(), Fd: proto.Uint32(uint32(i))})
		}
		return decodertest.Image(criu.MagicFdinfo, messages...)
	}
	ghostType := remap_file_path.RemapType_GHOST
	linkType := remap_file_path.RemapType_LINKED
	for _, test := range []struct {
		name    string
		members members
		want    string
		warning string
	}{
		{"none", nil, "", ""},
		{
			"a pipe with both ends open, and an empty one",
			members{files: open(pipeEnd(1, 77), pipeEnd(2, 77)), table: fds(1, 2), pipes: withPayload(criu.MagicPipesData, pipeData(5, 0), pipeData(77, 5), "BYTES")},
			`pipe 77 1:3:0 1:3:1 "pipe:[77]"=BYTES`, "",
		},
		{
			"pipes that nobody has open, two of one number",
			members{pipes: withPayload(criu.MagicPipesData, pipeData(9, 1), "a", pipeData(9, 1), "b")},
			`pipe 9 "pipe:[9]"=a; pipe 9 "pipe:[9]"=b`, "",
		},
		{
			"a pipe of more bytes than there are",
			members{pipes: withPayload(criu.MagicPipesData, pipeData(1, 1), "a", pipeData(2, 1<<31), "b")},
			`pipe 1 "pipe:[1]"=a`, "a payload of 2147483648 bytes where 1 are left",
		},
		{
			"messages are apart, a stream is not",
			members{files: open(unixSocket(1, 71, dgram, ""), unixSocket(2, 72, stream1, "\x00a\x00b")), table: fds(1, 2), queues: withPayload(criu.MagicSkQueues,
				packet(1, 1), "a", packet(2, 2), "bc", packet(1, 0), packet(2, 1), "d")},
			`unix 71 recv.0001 1:3:0 "socket:[71]"=a; unix 72 recv 1:3:1 "@a@b"=bcd; unix 71 recv.0002 1:3:0 "socket:[71]"=`, "",
		},
		{
			"a message for a socket that is not there, and one for what is none",
			members{files: open(regular(3, "/x")), queues: withPayload(criu.MagicSkQueues, packet(99, 1), "a", packet(3, 1), "b")},
			`socket 99 recv.0001=a; socket 3 recv.0001=b`, "",
		},
		{
			"a deleted file on its way, and one that is not there",
			members{
				files: open(unixSocket(1, 71, stream1, "/s\x00"), regular(4, "/work/gone")), table: fds(1),
				remaps: decodertest.Image(criu.MagicRemapFpath, remap(4, 10, ghostType)), "checkpoint/ghost-file-a.img": ghost(false, 0, "G"),
				queues: withPayload(criu.MagicSkQueues, packet(1, 1, 4, 1, 55), "a"),
			},
			`file 10 0:5:47 "/work/gone"=G; unix 71 recv 1:3:0 0:5:47 "/s"=a`, "a message passes file 55",
		},
		{
			"both queues of a TCP connection",
			members{stream: withPayload(criu.MagicTCPStream, tcpStream(2, 3), "inout")},
			`tcp 255 recv "socket:[255]"=in; tcp 255 send "socket:[255]"=out`, "",
		},
		{
			"TCP queues that are cut",
			members{stream: withPayload(criu.MagicTCPStream, tcpStream(2, 1<<32-1), "inout")},
			"", "a payload of 4294967297 bytes where 5 are left",
		},
		{
			"names that no image has",
			members{"checkpoint/tcp-stream-0ff.img": withPayload(criu.MagicTCPStream, tcpStream(1, 0), "x"), "checkpoint/ghost-file-1ffffffff.img": ghost(false, 0, "x")},
			"", "",
		},
		{
			"terminals",
			members{ttys: decodertest.Image(criu.MagicTTYData,
				&tty.TtyDataEntry{TtyId: proto.Uint32(7), Data: []byte("typed")}, &tty.TtyDataEntry{TtyId: proto.Uint32(8), Data: []byte{}})},
			`tty 7=typed`, "",
		},
		{
			"two files of one ghost, one of them open",
			members{
				files: open(regular(3, "/a"), regular(4, "/b")), table: fds(4),
				remaps:                        decodertest.Image(criu.MagicRemapFpath, remap(3, 1, ghostType), remap(4, 1, ghostType)),
				"checkpoint/ghost-file-1.img": ghost(false, 0, "G"),
			},
			`file 1 1:3:0 "/a"=G`, "",
		},
		{
			"a ghost that nobody refers to, and a damaged one",
			members{"checkpoint/ghost-file-2.img": ghost(false, 0, "G"), "checkpoint/ghost-file-10.img": ghost(true, 2, &ghost_file.GhostChunkEntry{Off: proto.Uint64(0), Len: proto.Uint64(3)}, "abc")},
			`file 2=G; file 16 without bytes true`, "a piece of 3 bytes at 0 in a file of 2",
		},
		{"a ghost of an impossible size", members{"checkpoint/ghost-file-1.img": ghost(true, 1<<63)}, `file 1 without bytes true`, "a file of 9223372036854775808 bytes"},
		{
			"links to what is not there, to themselves, and to each other",
			members{files: open(regular(3, "/a"), regular(4, "/b"), regular(5, "/c"), regular(6, "/d")), remaps: decodertest.Image(criu.MagicRemapFpath,
				remap(3, 99, linkType), remap(4, 4, linkType), remap(5, 6, linkType), remap(6, 5, linkType))},
			"", `deleted file "/a" is kept as file 99`,
		},
		{
			"a link",
			members{
				files: open(regular(3, "/w/a"), regular(4, "/w/link_remap.4")), table: fds(3), remaps: decodertest.Image(criu.MagicRemapFpath, remap(3, 4, linkType)),
				"rootfs-diff.tar": tarOf(t, "w/link_remap.4", "LINKED"),
			},
			`file 4 1:3:0 "/w/a"=LINKED`, "",
		},
		{
			"memory files without a pagemap, of one number, and of an impossible size",
			members{"checkpoint/memfd.img": decodertest.Image(criu.MagicMemfdInode, memfdInode(5, 100, "m"), memfdInode(6, 1<<63, "/dev/zero"), memfdInode(5, 7, "again"))},
			`memfd 5 "m"=memory 100; shm 6 "/dev/zero"=memory 0`, "memfd 5: there more than once",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := decodertest.Checkpoint{Files: map[uint32]string{0: "/", 1: "/sh"}, Processes: []decodertest.Process{{PID: 1, Comm: "sh", Exe: 1000}}, Members: test.members}
			ck := c.Open(t)
			if got := describe(t, ck.Objects()); got != test.want {
				t.Errorf("%s\nwant\n%s", got, test.want)
			}
			if got := strings.Join(ck.Warnings.List(), "; "); !strings.Contains(got, test.warning) {
				t.Errorf("warnings %q, want %q", got, test.warning)
			}
		})
	}
}

// TestManyPackets has a socket with more messages than become files.
func TestManyPackets(t *testing.T) {
	var parts []any
	for range 1500 {
		parts = append(parts, packet(1, 1), "x")
	}
	c := decodertest.Checkpoint{Members: map[string][]byte{
		"checkpoint/files.img":     decodertest.Image(criu.MagicFiles, unixSocket(1, 71, 2, "")),
		"checkpoint/sk-queues.img": withPayload(criu.MagicSkQueues, parts...),
	}}
	ck := c.Open(t)
	list := ck.Objects()
	if len(list) != 1001 || list[1000].Part != "recv.rest" || list[1000].Bytes.Size != 500 {
		t.Errorf("%d objects, the last %+v; want 1000 of a message each and one of 500", len(list), list[len(list)-1])
	}
	if got := strings.Join(ck.Warnings.List(), "; "); strings.Count(got, "more than 1000 messages") != 1 {
		t.Errorf("warnings %q", got)
	}
}

// TestGhostAttributes has what CRIU saves of a deleted file beside its bytes.
func TestGhostAttributes(t *testing.T) {
	moment := func(s, us uint64) *criu_time.Timeval { return &criu_time.Timeval{TvSec: &s, TvUsec: &us} }
	image := decodertest.Image(criu.MagicGhostFile, &ghost_file.GhostFileEntry{
		Uid: proto.Uint32(5), Gid: proto.Uint32(6), Mode: proto.Uint32(0o020644), Rdev: proto.Uint32(0xabc12345),
		Atim: moment(10, 500000), Mtim: moment(20, 0), SymlnkTarget: proto.String("/to"),
	})
	o := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/ghost-file-1.img": image}}.Open(t).Objects()[0]
	if o.Regular() || o.UID != 5 || o.GID != 6 || o.Mode != 0o020644 || o.Rdev != (decoder.Dev{Major: 0x123, Minor: 0xabc45}) ||
		o.ATime.UnixMicro() != 10500000 || o.MTime.UnixMicro() != 20000000 || o.Target != "/to" {
		t.Errorf("%+v", o)
	}
}

// TestObjectOf follows open files to what they lead to.
func TestObjectOf(t *testing.T) {
	c := decodertest.Checkpoint{
		Files: map[uint32]string{0: "/"},
		Processes: []decodertest.Process{{PID: 1, Comm: "sh", VMAs: []decodertest.VMA{
			{Start: 0x10000, End: 0x14000, Prot: rw, Flags: decoder.MapShared, Status: decoder.StatusRegular | decoder.StatusAnonShared, ShmID: 91},
		}}},
		Members: map[string][]byte{
			"checkpoint/files.img":            decodertest.Image(criu.MagicFiles, pipeEnd(2, 77), pipeEnd(3, 78), regular(1, "/sh")),
			"checkpoint/pipes-data.img":       withPayload(criu.MagicPipesData, pipeData(77, 1), "x"),
			"checkpoint/pagemap-shmem-91.img": decodertest.Pagemap(9, false, decodertest.Run{Addr: 0x1000, Pages: 1, Flags: criu.PagePresent}),
			"checkpoint/pages-9.img":          make([]byte, 4096),
			"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo,
				&fdinfo.FdinfoEntry{Id: proto.Uint32(2), Flags: proto.Uint32(0), Type: fdinfo.FdTypes_PIPE.Enum(), Fd: proto.Uint32(0)},
				&fdinfo.FdinfoEntry{Id: proto.Uint32(3), Flags: proto.Uint32(0), Type: fdinfo.FdTypes_PIPE.Enum(), Fd: proto.Uint32(1)}),
		},
	}
	ck := c.Open(t)
	p := ck.Process(1)
	if o := ck.ObjectOf(p.Descriptors[0].File); o == nil || o.ID != 77 {
		t.Errorf("a pipe with bytes leads to %+v", o)
	}
	if o := ck.ObjectOf(p.Descriptors[1].File); o != nil {
		t.Errorf("a pipe without bytes leads to %+v", o)
	}
	if o := ck.ObjectOf(p.MM.Exe); o != nil {
		t.Errorf("a file with a name leads to %+v", o)
	}
	o := ck.ObjectOf(p.MM.VMAs[0].File)
	if o == nil || o.Kind != decoder.ObjectSharedMemory || o.Memory.Size != 0x4000 || len(o.Owners) != 1 || o.Owners[0].N != 0x10000 {
		t.Errorf("anonymous shared memory leads to %+v", o)
	}
}

// TestPayloadIsNotRead has an archive that ends in a payload: the object is
// there, and fails where the bytes are read.
func TestPayloadIsNotRead(t *testing.T) {
	c := decodertest.Checkpoint{Members: map[string][]byte{
		"checkpoint/pipes-data.img": withPayload(criu.MagicPipesData, pipeData(1, 1<<20), strings.Repeat("x", 1<<20)),
	}}
	whole := c.Tar()
	at := strings.Index(string(whole), "xxxxx")
	ck, err := decoder.Open(decodertest.OpenArchive(t, whole[:at+4096]), decoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	list := ck.Objects()
	if len(list) != 1 || list[0].Bytes.Size != 1<<20 {
		t.Fatalf("%+v", list)
	}
	content := list[0].Bytes.Content()
	if n, err := content.ReadAt(make([]byte, 4096), 0); n != 4096 || err != nil {
		t.Errorf("what is there: %d bytes, %v", n, err)
	}
	if _, err := content.ReadAt(make([]byte, 4096), 8192); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("what is not there: %v, want an error", err)
	}
}
