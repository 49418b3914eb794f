package decoder_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	ipc_desc "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-desc"
	ipc_shm "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-shm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v7/crit/images/remap-file-path"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

const shared = decoder.StatusRegular | decoder.StatusFileShared

func fownEntry() *fown.FownEntry {
	return &fown.FownEntry{Uid: proto.Uint32(0), Euid: proto.Uint32(0), Signum: proto.Uint32(0), PidType: proto.Uint32(0), Pid: proto.Uint32(0)}
}

// mapping is a checkpoint of one process that maps file 7, which is e, at
// 0x10000 to 0x14000.
func mapping(e *regfile.RegFileEntry, members map[string][]byte) decodertest.Checkpoint {
	e.Id, e.Flags, e.Pos, e.Fown = proto.Uint32(7), proto.Uint32(0), proto.Uint64(0), fownEntry()
	all := map[string][]byte{
		"checkpoint/files.img": decodertest.Image(criu.MagicFiles, &fdinfo.FileEntry{Type: fdinfo.FdTypes_REG.Enum(), Id: proto.Uint32(7), Reg: e}),
	}
	for name, content := range members {
		all[name] = content
	}
	return decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "map", Exe: 7, VMAs: []decodertest.VMA{
			{Start: 0x10000, End: 0x14000, Prot: rw, Flags: decoder.MapShared, Status: shared, ShmID: 7},
		}}},
		Members: all,
	}
}

// content is what the file of the first mapping of process 1 holds, or why it
// is not known.
func content(t *testing.T, ck *decoder.Checkpoint) string {
	t.Helper()
	f := ck.Process(1).MM.VMAs[0].File
	if f == nil || f.Backing == nil {
		return "unknown: " + strings.Join(ck.Warnings.List(), "; ")
	}
	b := make([]byte, f.Backing.Size)
	for _, p := range f.Backing.Fragments {
		if _, err := f.Backing.ReadAt(b[p.Off:p.Off+p.Len], p.At); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	return f.Backing.Name + "=" + string(b)
}

func tarOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o600, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mountpoints(mounts ...*mnt.MntEntry) []byte {
	var entries []proto.Message
	for _, m := range mounts {
		m.ParentMntId, m.Flags, m.Source, m.Options = proto.Uint32(0), proto.Uint32(0), proto.String(""), proto.String("")
		if m.Root == nil {
			m.Root = proto.String("/")
		}
		entries = append(entries, m)
	}
	return decodertest.Image(criu.MagicMountpoints, entries...)
}

func TestFindFile(t *testing.T) {
	mounts := mountpoints(
		&mnt.MntEntry{MntId: proto.Uint32(1), Fstype: proto.Uint32(17), RootDev: proto.Uint32(40), Mountpoint: proto.String("/")},
		&mnt.MntEntry{MntId: proto.Uint32(2), Fstype: proto.Uint32(5), RootDev: proto.Uint32(43), Mountpoint: proto.String("/scratch")},
		&mnt.MntEntry{MntId: proto.Uint32(3), Fstype: proto.Uint32(5), RootDev: proto.Uint32(39), Mountpoint: proto.String("/dev/shm")},
		&mnt.MntEntry{MntId: proto.Uint32(4), Fstype: proto.Uint32(0), RootDev: proto.Uint32(99), Mountpoint: proto.String("/etc/hosts"), Root: proto.String("/var/hosts")},
	)
	const mountsImage = "checkpoint/mountpoints-13.img"
	for _, test := range []struct {
		name    string
		file    *regfile.RegFileEntry
		members map[string][]byte
		rootfs  []string
		want    string
	}{
		{
			"in the image", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts},
			[]string{"bin/sh", "image"},
			"rootfs/bin/sh=image",
		},
		{
			"changed by the container", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts, "rootfs-diff.tar": tarOf(t, "bin/sh", "changed")},
			[]string{"bin/sh", "image"},
			"rootfs-diff/bin/sh=changed",
		},
		{
			"deleted by the container", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts, "deleted.files": []byte(`["/bin"]`)},
			[]string{"bin/sh", "image"},
			"unknown: ",
		},
		{
			"in the image, where it is not known what was changed", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts, "rootfs-diff.tar": decodertest.Endless(tarOf(t, "bin/other", "changed"))},
			[]string{"bin/sh", "image"},
			"unknown: rootfs-diff.tar: offset 1024: the archive ends without an end mark: it may be cut short" +
				`; mapped file "/bin/sh": rootfs-diff is not known in full and may have had another: its pages are absent`,
		},
		{
			"in the part of it that is left", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts, "rootfs-diff.tar": decodertest.Endless(tarOf(t, "bin/sh", "changed"))},
			[]string{"bin/sh", "image"},
			"rootfs-diff/bin/sh=changed",
		},
		{"without a mount table", &regfile.RegFileEntry{Name: proto.String("/bin/sh")}, nil, []string{"bin/sh", "image"}, "rootfs/bin/sh=image"},
		{
			"not in the image", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts},
			[]string{"rootfs/bin/sh", "image"},
			"unknown: --rootfs: it has none of the mapped files that were looked for in it",
		},
		{"nowhere", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), MntId: proto.Int32(1)}, map[string][]byte{mountsImage: mounts}, nil, "unknown: "},
		{
			"in a tmpfs", &regfile.RegFileEntry{Name: proto.String("/scratch/x"), MntId: proto.Int32(2)},
			map[string][]byte{mountsImage: mounts, "checkpoint/tmpfs-dev-43.tar.gz.img": tarOf(t, "./x", "tmpfs")},
			[]string{"scratch/x", "image"},
			"rootfs/scratch/x=tmpfs",
		},
		{
			"in /dev/shm", &regfile.RegFileEntry{Name: proto.String("/dev/shm/x"), MntId: proto.Int32(3)},
			map[string][]byte{mountsImage: mounts, "devshm-checkpoint.tar": tarOf(t, "./x", "devshm")},
			[]string{"dev/shm/x", "image"},
			"archive/devshm-checkpoint.tar.d/x=devshm",
		},
		{
			"on another mount, with a namesake in the image", &regfile.RegFileEntry{Name: proto.String("/etc/hosts"), MntId: proto.Int32(4)},
			map[string][]byte{mountsImage: mounts},
			[]string{"etc/hosts", "image"},
			"unknown: ",
		},
		{
			"a path that leads out", &regfile.RegFileEntry{Name: proto.String("/../../etc/passwd"), MntId: proto.Int32(1)},
			map[string][]byte{mountsImage: mounts},
			[]string{"etc/passwd", "image"},
			"rootfs/etc/passwd=image",
		},
		{
			"of another size", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), Size: proto.Uint64(6)}, nil,
			[]string{"bin/sh", "image"},
			`unknown: mapped file "/bin/sh": rootfs/bin/sh has 5 bytes and not 6: its pages are absent`,
		},
		{
			"with a checksum", &regfile.RegFileEntry{Name: proto.String("/bin/sh"), Checksum: proto.Uint32(1)}, nil,
			[]string{"bin/sh", "image"},
			`unknown: mapped file "/bin/sh": rootfs/bin/sh cannot be held against its checksum: its pages are absent`,
		},
	} {
		c := mapping(test.file, test.members)
		opts := decoder.Options{}
		if test.rootfs != nil {
			opts.Rootfs = decodertest.OpenArchive(t, tarOf(t, test.rootfs...))
		}
		if got := content(t, c.OpenWith(t, opts)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// elfWithBuildID is as little of an ELF file as has a build-id.
func elfWithBuildID(id string) string {
	var b bytes.Buffer
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(header[16:], 3)  // ET_DYN
	binary.LittleEndian.PutUint16(header[18:], 62) // EM_X86_64
	binary.LittleEndian.PutUint32(header[20:], 1)
	binary.LittleEndian.PutUint64(header[32:], 64) // e_phoff
	binary.LittleEndian.PutUint16(header[52:], 64)
	binary.LittleEndian.PutUint16(header[54:], 56)
	binary.LittleEndian.PutUint16(header[56:], 1) // e_phnum
	b.Write(header)
	note := fmt.Sprintf("\x04\x00\x00\x00%c\x00\x00\x00\x03\x00\x00\x00GNU\x00%s", len(id), id)
	program := make([]byte, 56)
	binary.LittleEndian.PutUint32(program, 4) // PT_NOTE
	binary.LittleEndian.PutUint64(program[8:], 64+56)
	binary.LittleEndian.PutUint64(program[32:], uint64(len(note)))
	b.Write(program)
	b.WriteString(note)
	return b.String()
}

func TestBuildID(t *testing.T) {
	words := []uint32{binary.LittleEndian.Uint32([]byte("abcd")), binary.LittleEndian.Uint32([]byte("ef\x00\x00"))}
	for _, test := range []struct{ name, file, want string }{
		{"the same", elfWithBuildID("abcdef"), "rootfs/lib/x="},
		{"another", elfWithBuildID("abcdeg"), "is another build: build-id 616263646567 and not 6162636465660000"},
		{"none", elfWithBuildID(""), "is another build"},
		{"no ELF file", "hello", "unknown: "},
	} {
		c := mapping(&regfile.RegFileEntry{Name: proto.String("/lib/x"), BuildId: words}, nil)
		got := content(t, c.OpenWith(t, decoder.Options{Rootfs: decodertest.OpenArchive(t, tarOf(t, "lib/x", test.file))}))
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func ghost(chunks bool, size uint64, rest ...any) []byte {
	head := &ghost_file.GhostFileEntry{Uid: proto.Uint32(0), Gid: proto.Uint32(0), Mode: proto.Uint32(0o100600), Ino: proto.Uint64(42), Dev: proto.Uint32(40)}
	if chunks {
		head.Chunks, head.Size = proto.Bool(true), proto.Uint64(size)
	}
	b := decodertest.Image(criu.MagicGhostFile, head)
	for _, r := range rest {
		switch r := r.(type) {
		case string:
			b = append(b, r...)
		case *ghost_file.GhostChunkEntry:
			b = append(b, decodertest.Image(criu.MagicGhostFile, r)[8:]...)
		}
	}
	return b
}

func TestGhost(t *testing.T) {
	chunk := func(off, length uint64) *ghost_file.GhostChunkEntry {
		return &ghost_file.GhostChunkEntry{Off: proto.Uint64(off), Len: proto.Uint64(length)}
	}
	const name = "archive/checkpoint/ghost-file-a.img"
	for _, test := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"whole", ghost(false, 0, "GHOST-CONTENT\n"), name + "=GHOST-CONTENT\n"},
		{"empty", ghost(false, 0), name + "="},
		{"in pieces", ghost(true, 10, chunk(0, 3), "abc", chunk(7, 2), "xy"), name + "=abc\x00\x00\x00\x00xy\x00"},
		{"in pieces out of order", ghost(true, 5, chunk(3, 2), "de", chunk(0, 3), "abc"), name + "=abcde"},
		{"in no pieces", ghost(true, 3), name + "=\x00\x00\x00"},
		{"pieces that overlap", ghost(true, 10, chunk(0, 3), "abc", chunk(2, 2), "xy"), "unknown: "},
		{"a piece behind the end", ghost(true, 2, chunk(0, 3), "abc"), "unknown: "},
		{"a piece that is cut", ghost(true, 10, chunk(0, 8), "abc"), "unknown: "},
		{"no image", nil, "unknown: "},
	} {
		c := mapping(&regfile.RegFileEntry{Name: proto.String("/work/gone")}, map[string][]byte{
			"checkpoint/ghost-file-a.img": test.image,
			"checkpoint/remap-fpath.img": decodertest.Image(criu.MagicRemapFpath, &remap_file_path.RemapFilePathEntry{
				OrigId: proto.Uint32(7), RemapId: proto.Uint32(10), RemapType: remap_file_path.RemapType_GHOST.Enum(),
			}),
		})
		ck := c.Open(t)
		if got := content(t, ck); !strings.HasPrefix(got, test.want) || test.want != "unknown: " && got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if f := ck.Process(1).MM.VMAs[0].File; f.KernelName() != "/work/gone (deleted)" {
			t.Errorf("%s: name %q", test.name, f.KernelName())
		}
	}
}

// TestSharedMemory has an object of each kind, and two mappings of each,
// which must be of the same object.
func TestSharedMemory(t *testing.T) {
	sysv := decoder.StatusRegular | decoder.StatusAnonShared | decoder.StatusSysVIPC
	anon := decoder.StatusRegular | decoder.StatusAnonShared
	for _, test := range []struct {
		name    string
		status  decoder.VMAStatus
		shmid   uint64
		members map[string][]byte
		want    string // kernel's name and size
	}{
		{"memfd", shared | decoder.StatusMemfd, 7, map[string][]byte{
			"checkpoint/files.img": decodertest.Image(criu.MagicFiles, &fdinfo.FileEntry{
				Type: fdinfo.FdTypes_MEMFD.Enum(), Id: proto.Uint32(7),
				Memfd: &memfd.MemfdFileEntry{Id: proto.Uint32(7), Flags: proto.Uint32(0), Pos: proto.Uint64(0), Fown: fownEntry(), InodeId: proto.Uint32(1)},
			}),
			"checkpoint/memfd.img": decodertest.Image(criu.MagicMemfdInode, &memfd.MemfdInodeEntry{
				Name: proto.String("payload"), Uid: proto.Uint32(0), Gid: proto.Uint32(0), Size: proto.Uint64(0x4000), Shmid: proto.Uint32(5), Seals: proto.Uint32(0), InodeId: proto.Uint64(1),
			}),
			"checkpoint/pagemap-shmem-5.img": decodertest.Pagemap(9, false, decodertest.Run{Addr: 0x1000, Pages: 1, Flags: criu.PagePresent}),
		}, "/memfd:payload (deleted) 16384"},
		{"SysV, of id 0", sysv, 0, map[string][]byte{
			"checkpoint/ipcns-shm-11.img": decodertest.Image(criu.MagicIPCNSShm, &ipc_shm.IpcShmEntry{
				Desc: &ipc_desc.IpcDescEntry{
					Key: proto.Uint32(0x1234), Uid: proto.Uint32(0), Gid: proto.Uint32(0), Cuid: proto.Uint32(0), Cgid: proto.Uint32(0), Mode: proto.Uint32(0), Id: proto.Uint32(0),
				}, Size: proto.Uint64(0x3000), InPagemaps: proto.Bool(true),
			}),
			"checkpoint/pagemap-shmem-0.img": decodertest.Pagemap(9, true, decodertest.Run{Addr: 0x1000, Pages: 1, Flags: criu.PagePresent}),
		}, "/SYSV00001234 (deleted) 12288"},
		{"anonymous, as CRIU wrote it on older kernels", anon, 91, map[string][]byte{
			"checkpoint/pagemap-shmem-91.img": decodertest.Pagemap(9, false, decodertest.Run{Addr: 0x1000, Pages: 1, Flags: criu.PagePresent}),
		}, "/dev/zero (deleted) -1"},
	} {
		test.members["checkpoint/pages-9.img"] = bytes.Repeat([]byte("s"), 4096)
		c := decodertest.Checkpoint{Members: test.members, Processes: []decodertest.Process{{PID: 1, VMAs: []decodertest.VMA{
			{Start: 0x10000, End: 0x14000, Prot: rw, Flags: decoder.MapShared, Status: test.status, ShmID: test.shmid},
			{Start: 0x20000, End: 0x24000, Prot: rw, Flags: decoder.MapShared, Status: test.status, ShmID: test.shmid},
		}}}}
		ck := c.Open(t)
		vmas := ck.Process(1).MM.VMAs
		if s := vmas[0].Shared; s == nil || s != vmas[1].Shared || s.Capture == nil || len(s.Capture.Runs) != 1 {
			t.Errorf("%s: shared memory %+v and %+v, warnings %q", test.name, s, vmas[1].Shared, ck.Warnings.List())
			continue
		}
		if got := fmt.Sprint(vmas[0].File.KernelName(), " ", vmas[0].Shared.Size); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
