// Package decodertest builds checkpoints from values, so that a test can show
// in a few lines what it is about.
package decodertest

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	criu_fs "github.com/checkpoint-restore/go-criu/v7/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Checkpoint is a checkpoint as values. Its images stand in checkpoint/.
type Checkpoint struct {
	Processes []Process
	Files     map[uint32]string // paths of regular files by file id
	Members   map[string][]byte // further members, or other contents of the ones made here; nil leaves one out
	Links     map[string]string // symbolic links and where they lead
}

// memberTime is that of every member.
var memberTime = time.Unix(1700000000, 0)

// Image encodes an image of messages.
func Image(magic criu.Magic, messages ...proto.Message) []byte {
	b := header(magic)
	for _, m := range messages {
		b = appendEntry(b, must(proto.Marshal(m)))
	}
	return b
}

func header(magic criu.Magic) []byte {
	var b []byte
	if magic != criu.MagicInventory {
		b = binary.LittleEndian.AppendUint32(b, uint32(criu.MagicCommon))
	}
	return binary.LittleEndian.AppendUint32(b, uint32(magic))
}

func appendEntry(b, entry []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entry)))
	return append(b, entry...)
}

// Contents gives the members by name.
func (c Checkpoint) Contents() map[string][]byte {
	m := make(map[string][]byte)
	m["checkpoint/inventory.img"] = Image(criu.MagicInventory, &inventory.InventoryEntry{ImgVersion: proto.Uint32(2)})
	var entries []proto.Message
	for i, p := range c.Processes {
		threads := []uint32{uint32(p.PID)}
		for _, tid := range p.Threads {
			threads = append(threads, uint32(tid))
		}
		entries = append(entries, &pstree.PstreeEntry{
			Pid: proto.Uint32(uint32(p.PID)), Ppid: proto.Uint32(uint32(p.PPID)),
			Pgid: proto.Uint32(uint32(p.PID)), Sid: proto.Uint32(uint32(p.PID)), Threads: threads,
		})
		p.images(m, i+1)
	}
	m["checkpoint/pstree.img"] = Image(criu.MagicPstree, entries...)
	m["checkpoint/fdinfo-1.img"] = Image(criu.MagicFdinfo) // no file is open
	m["checkpoint/files.img"] = Image(criu.MagicFiles, c.files()...)
	for name, content := range c.Members {
		if content == nil {
			delete(m, name)
			continue
		}
		m[name] = content
	}
	return m
}

func (c Checkpoint) files() []proto.Message {
	var entries []proto.Message
	for _, id := range slices.Sorted(maps.Keys(c.Files)) {
		entries = append(entries, &fdinfo.FileEntry{
			Type: fdinfo.FdTypes_REG.Enum(), Id: proto.Uint32(id),
			Reg: &regfile.RegFileEntry{
				Id: proto.Uint32(id), Flags: proto.Uint32(0), Pos: proto.Uint64(0),
				Fown: &fown.FownEntry{Uid: proto.Uint32(0), Euid: proto.Uint32(0), Signum: proto.Uint32(0), PidType: proto.Uint32(0), Pid: proto.Uint32(0)},
				Name: proto.String(c.Files[id]),
			},
		})
	}
	return entries
}

// fsImage says that the working directory and the root are the files of id 0.
func fsImage() []byte {
	return Image(criu.MagicFS, &criu_fs.FsEntry{CwdId: proto.Uint32(0), RootId: proto.Uint32(0), Umask: proto.Uint32(0o22)})
}

// Tar encodes the checkpoint as a tar, its members sorted by name.
func (c Checkpoint) Tar() []byte { return TarOf(c.Contents(), c.Links) }

// Endless is a tar without its end mark, two blocks of zeros.
func Endless(tar []byte) []byte { return tar[:len(tar)-1024] }

// TarOf encodes members and symbolic links as a tar.
func TarOf(contents map[string][]byte, links map[string]string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: links[name], ModTime: memberTime}); err != nil {
			panic(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(contents[name])), ModTime: memberTime}); err != nil {
			panic(err)
		}
		must(w.Write(contents[name]))
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Open writes the checkpoint to a file and decodes it.
func (c Checkpoint) Open(t testing.TB) *decoder.Checkpoint {
	t.Helper()
	return c.OpenWith(t, decoder.Options{})
}

// OpenWith decodes the checkpoint with what else belongs to it.
func (c Checkpoint) OpenWith(t testing.TB, opts decoder.Options) *decoder.Checkpoint {
	t.Helper()
	ck, err := decoder.Open(OpenArchive(t, c.Tar()), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

// OpenArchive writes an archive to a file and opens it.
func OpenArchive(t testing.TB, content []byte) *archive.Archive {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.tar")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(path, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// Pagemap encodes a pagemap image. Runs of CRIU before 4.2 have their number
// of pages in another field.
func Pagemap(pagesID uint32, old bool, runs ...Run) []byte {
	b := header(criu.MagicPagemap)
	b = appendEntry(b, protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(pagesID)))
	for _, r := range runs {
		b = appendEntry(b, r.encode(old))
	}
	return b
}

func (r Run) encode(old bool) []byte {
	var b []byte
	field := func(n protowire.Number, v uint64) {
		b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
	}
	field(1, r.Addr)
	if old {
		field(2, uint64(r.Pages))
	} else {
		field(2, 0)
		field(5, uint64(r.Pages))
	}
	switch {
	case !old || r.Flags != 0 && r.Flags != criu.PageParent:
		field(4, uint64(r.Flags))
	case r.Flags == criu.PageParent:
		field(3, 1)
	}
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("decodertest: ", err))
	}
	return v
}
