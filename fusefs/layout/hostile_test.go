package layout_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	file_lock "github.com/checkpoint-restore/go-criu/v7/crit/images/file-lock"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"
	remap_file_path "github.com/checkpoint-restore/go-criu/v7/crit/images/remap-file-path"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/userns"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/utsns"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

// everyByte is each byte there is.
func everyByte() string {
	var b []byte
	for c := range 256 {
		b = append(b, byte(c))
	}
	return string(b)
}

// evilNames are paths that no directory can have, or nobody wants to have on a
// terminal.
var evilNames = []string{
	"/" + strings.Repeat("n", 5000),
	"/a/" + strings.Repeat("n", 1500) + "/b",
	"/" + strings.Repeat("c", 300),
	"/" + strings.Repeat("d/", 3000),
	"/" + strings.Repeat("d/", 2000),
	"/../../../etc",
	"//./a\n\x1b[2J\u202e\xff",
	"/nul\x00y",
	"/" + everyByte(),
	"", "/", "..",
}

// evil is a process whose every name is evil, and whose mappings overlap, wrap
// and reach past the end of what they map.
func evil(members map[string][]byte) decodertest.Checkpoint {
	files := map[uint32]string{0: "/", 1: "/bin/" + everyByte()[1:47]}
	var vmas []decodertest.VMA
	for i, name := range evilNames {
		if len(name) > 4096 { // one of them, and no file is taken
			continue
		}
		files[uint32(i+2)] = name
		at := uint64(0x100000 + i*0x10000)
		vmas = append(vmas, decodertest.VMA{
			Start: at, End: at + 0x2000, Prot: rw, PgOff: 0x7ffffffffffff000, ShmID: uint64(i + 2),
			Flags: decoder.MapPrivate, Status: decoder.StatusRegular | decoder.StatusFilePrivate,
		})
	}
	return decodertest.Checkpoint{
		Files:   files,
		Members: members,
		Processes: []decodertest.Process{{
			PID: 1, PPID: 1, Comm: "a\n\x1b[31m\u202e\xff", Exe: 1,
			Args: decoder.Range{Start: 0x20000, End: 0x20800}, Env: decoder.Range{Start: 0x20800, End: 0xfffffffffffff000},
			VMAs: append(vmas, []decodertest.VMA{
				{Start: 0x20000, End: 0x22000, Prot: rw},
				{Start: 0xfffffffffffff000, End: 0x1000, Prot: rw},
				{Start: 0x21000, End: 0x23000, Prot: rw},
				{Start: 0x7fffffffffffe000, End: 0xfffffffffffff000, Prot: rw},
				{Start: 0x40000, End: 0x41000, Prot: rw, PgOff: 0x7ffffffffffff000, Flags: decoder.MapShared, Status: decoder.StatusRegular | decoder.StatusAnonShared, ShmID: 2},
			}...),
			Runs: []decodertest.Run{{Addr: 0x20000, Pages: 1, Flags: criu.PagePresent, Data: pageOf(everyByte() + strings.Repeat("y", 3000))}},
		}, {PID: 2, PPID: 3, Comm: "x"}, {PID: 3, PPID: 2, Dead: true}},
	}
}

// evilTar is a tar whose members try to get out of it.
func evilTar() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "../../../../evil", Size: 4},
		{Name: "/absolute", Size: 4},
		{Name: "dev", Typeflag: tar.TypeBlock, Devmajor: 8},
		{Name: "hard", Typeflag: tar.TypeLink, Linkname: "../../../etc/passwd"},
		{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "../../../../../../etc/passwd"},
		{Name: "l1", Typeflag: tar.TypeSymlink, Linkname: "l2/../l1/.."},
		{Name: "l2", Typeflag: tar.TypeSymlink, Linkname: "l1/../l2/../l1"},
		{Name: "l3", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("l3/../", 600)},
		{Name: "long", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("a/", 100_000)},
		{Name: "attributes", PAXRecords: map[string]string{"SCHILY.xattr.user.a": strings.Repeat("v", 1<<16), "SCHILY.xattr.user.b": strings.Repeat("v", 1<<16+1)}},
		{Name: strings.Repeat("n", 300)},
		{Name: strings.Repeat("d/", 2000) + "x"},
		{Name: "a\x1b[2Jb\n\xff"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// evilMounts are a tmpfs at each evil name and another below it.
func evilMounts() []byte {
	mount := func(id, parent int, point string) proto.Message {
		return &mnt.MntEntry{
			Fstype: proto.Uint32(uint32(mnt.Fstype_TMPFS)), MntId: proto.Uint32(uint32(id)), ParentMntId: proto.Uint32(uint32(parent)), RootDev: proto.Uint32(77),
			Flags: proto.Uint32(0), Root: proto.String("/"), Mountpoint: proto.String(point), Source: proto.String("x"), Options: proto.String(""),
		}
	}
	list := []proto.Message{mount(1, 0, "/")}
	for i, name := range evilNames {
		list = append(list, mount(2+2*i, 1, name), mount(3+2*i, 2+2*i, name+"/below"))
	}
	return decodertest.Image(criu.MagicMountpoints, list...)
}

// Whatever is in an archive, what is shown of it is a tree, and stays in the
// mount.
func TestHostileCheckpoints(t *testing.T) {
	compressed := decodertest.Gzip(evilTar())
	deleted, err := json.Marshal(evilNames)
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat("[", 100_000)
	ghost := func(mode uint32, target string) []byte {
		return decodertest.Image(criu.MagicGhostFile, &ghost_file.GhostFileEntry{Uid: proto.Uint32(0), Gid: proto.Uint32(0), Mode: &mode, SymlnkTarget: &target})
	}
	remap := func(file, ghost uint32) proto.Message {
		return &remap_file_path.RemapFilePathEntry{OrigId: &file, RemapId: &ghost, RemapType: remap_file_path.RemapType_GHOST.Enum()}
	}
	memory := func(name string, id uint32, size uint64) proto.Message {
		return &memfd.MemfdInodeEntry{Name: &name, Uid: proto.Uint32(0), Gid: proto.Uint32(0), Size: &size, Shmid: &id, Seals: proto.Uint32(0), InodeId: proto.Uint64(uint64(id))}
	}
	for name, members := range map[string]map[string][]byte{
		"names":  nil,
		"mounts": {"checkpoint/mountpoints-1.img": evilMounts()},
		"tars": {
			"checkpoint/mountpoints-1.img": evilMounts(), "checkpoint/tmpfs-dev-77.tar.gz.img": compressed,
			"rootfs-diff.tar": evilTar(), "devshm-checkpoint.tar": compressed,
		},
		"deleted files": {"deleted.files": deleted},
		"JSON":          {"config.dump": []byte(deep), "spec.dump": []byte(`{"mounts":` + deep), "network.status": []byte(deep)},
		"image names": {
			"checkpoint/x.json": nil, "checkpoint/x.img": []byte("abc"), "checkpoint/x.json.img": []byte("abc"), "checkpoint/x.json/y.img": []byte("a"),
			"x.json/y.img": {}, "checkpoint/x/y.img": []byte("x"), "checkpoint/.img": []byte("x"), "checkpoint/a\nb.img": []byte("x"),
			"checkpoint/..img": []byte("x"), "checkpoint/" + strings.Repeat("i", 251) + ".img": []byte("x"),
		},
		"names of what was recovered": {
			"checkpoint/remap-fpath.img":  decodertest.Image(criu.MagicRemapFpath, remap(1, 1), remap(3, 2), remap(4, 3), remap(6, 2)),
			"checkpoint/ghost-file-1.img": ghost(0o120777, strings.Repeat("/../a", 700)), "checkpoint/ghost-file-2.img": ghost(0o177777, ""), "checkpoint/ghost-file-3.img": ghost(0o040000, "x"),
			"checkpoint/memfd.img": decodertest.Image(criu.MagicMemfdInode, memory(everyByte()+strings.Repeat("x", 9000), 1, 1<<63), memory("index", 2, 1<<63-1), memory("SHA256SUMS", 3, 0)),
		},
		"names of hosts": {"checkpoint/utsns-1.img": decodertest.Image(criu.MagicUTSNS, &utsns.UtsnsEntry{Nodename: proto.String(everyByte()), Domainname: proto.String(strings.Repeat("x", 5000))})},
	} {
		ck := evil(members).Open(t)
		if _, err := treetest.Walk(layout.Root(ck, layout.Options{})); err != nil {
			t.Errorf("%s: %.500v", name, err)
		}
		for _, text := range ck.Warnings.List() {
			if len(text) > 1100 {
				t.Errorf("%s: a warning of %d bytes", name, len(text))
			}
		}
	}
}

// The files of each thread say how large the memory is: to read them all must
// not mean to go through all mappings as often.
func TestManyThreadsAndMappings(t *testing.T) {
	const threads, mappings, enough = 3000, 60_000, time.Minute
	p := decodertest.Process{PID: 1, Comm: "x"}
	for i := range uint64(mappings) {
		p.VMAs = append(p.VMAs, decodertest.VMA{Start: 0x10000 + i*0x2000, End: 0x11000 + i*0x2000, Prot: rw})
	}
	for i := range threads {
		p.Threads = append(p.Threads, i+2)
	}
	root := layout.Root(decodertest.Checkpoint{Processes: []decodertest.Process{p}}.Open(t), layout.Options{})
	start := time.Now()
	want := fmt.Sprintf("VmSize:\t%8d kB\n", mappings*4)
	for i := range threads {
		task := fmt.Sprintf("procs/1/task/%d/", i+2)
		if got := read(t, root, task+"status"); !strings.Contains(got, want) {
			t.Fatalf("%s: %s, want %s", task, got, want)
		}
		read(t, root, task+"stat")
	}
	if took := time.Since(start); took > enough {
		t.Errorf("%v for the files of %d threads", took, threads)
	}
}

// A directory of descriptors makes its nodes as they are asked for, and finds
// exactly what it lists.
func TestDescriptorNames(t *testing.T) {
	root := layout.Root(watching(20).Open(t), layout.Options{})
	for _, name := range []string{"procs/1/fd", "procs/1/fdinfo"} {
		dir := lookup(t, root, name).(tree.Dir)
		entries, err := dir.Entries()
		if err != nil || len(entries) != 20 {
			t.Fatalf("%s: %d entries, %v, want 20", name, len(entries), err)
		}
		for _, missing := range []string{"20", "-1", "+1", "01", "", "1 ", "x", "99999999999999999999"} {
			if _, err := dir.Lookup(missing); err != tree.ErrNotExist { //nolint:errorlint // as Dir promises
				t.Errorf("%s/%s: %v, want %v", name, missing, err, tree.ErrNotExist)
			}
		}
		if !slices.IsSortedFunc(entries, func(a, b tree.Entry) int { return len(a.Name) - len(b.Name) }) {
			t.Errorf("%s is not in the order of its numbers", name)
		}
	}
	if c, err := lookup(t, root, "procs/1/fdinfo/7").(tree.File).Content(); err != nil {
		t.Error(err)
	} else if _, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size())); err != nil {
		t.Error(err)
	}
}

// What fdinfo/ says of a file is the same for all processes, but for the locks
// that a table of descriptors holds.
func TestLocksOfSharedFiles(t *testing.T) {
	lock := func(pid, kind int32) proto.Message {
		return &file_lock.FileLockEntry{
			Flag: proto.Uint32(uint32(kind)), Type: proto.Uint32(1), Pid: proto.Int32(pid), Fd: proto.Int32(3), Start: proto.Int64(int64(pid)), Len: proto.Int64(1),
		}
	}
	table := decodertest.Image(criu.MagicFdinfo, &fdinfo.FdinfoEntry{Id: proto.Uint32(1), Fd: proto.Uint32(3), Flags: proto.Uint32(0), Type: fdinfo.FdTypes_REG.Enum()})
	ids := decodertest.Image(criu.MagicIDs, &criu_core.TaskKobjIdsEntry{VmId: proto.Uint32(2), FilesId: proto.Uint32(2), FsId: proto.Uint32(2), SighandId: proto.Uint32(2)})
	root := layout.Root(decodertest.Checkpoint{
		Files:     map[uint32]string{0: "/", 1: "/a"},
		Processes: []decodertest.Process{{PID: 1}, {PID: 2}, {PID: 3}},
		Members: map[string][]byte{
			"checkpoint/fdinfo-1.img": table, "checkpoint/fdinfo-2.img": table, "checkpoint/ids-2.img": ids,
			"checkpoint/filelocks.img": decodertest.Image(criu.MagicFileLocks, lock(1, 1), lock(2, 1), lock(1, 2)),
		},
	}.Open(t), layout.Options{})
	const first, second, all = "lock:\t1: POSIX  ADVISORY  WRITE 1 ", "lock:\t1: POSIX  ADVISORY  WRITE 2 ", "lock:\t2: FLOCK  ADVISORY  WRITE 1 "
	for pid, want := range map[int]string{1: first, 2: second, 3: first} {
		text := read(t, root, fmt.Sprintf("procs/%d/fdinfo/3", pid))
		if strings.Count(text, "lock:") != 2 || !strings.Contains(text, want) || !strings.Contains(text, all) {
			t.Errorf("process %d: %s, want %s and %s", pid, text, want, all)
		}
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A link of a few bytes can lead a long way, by others. Where many of them lead is
// not kept.
func TestLongWays(t *testing.T) {
	const links, chain, most = 2000, 39, 32 << 20
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	link := func(name, target string) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range chain {
		link(fmt.Sprintf("l%d", i), fmt.Sprintf("l%d/../%s", i+1, strings.Repeat(strings.Repeat("x", 255)+"/", 15)))
	}
	for i := range links {
		link(fmt.Sprint(i), "l0/..")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	root := layout.Root(decodertest.Checkpoint{Members: map[string][]byte{"rootfs-diff.tar": b.Bytes()}}.Open(t), layout.Options{})
	before := heap()
	entries, err := lookup(t, root, "rootfs-diff").(tree.Dir).Entries()
	if err != nil || len(entries) != links+chain {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if n := heap() - before; n > most {
		t.Errorf("%d links take %d bytes", links, n)
	}
}

// Hard links to a symbolic link cost next to nothing in an archive, and each is
// resolved anew whenever somebody looks at it.
func TestManyLinksThatTakeLong(t *testing.T) {
	const links, enough = 5000, 20 * time.Second
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, kind byte, target string) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Linkname: target}); err != nil {
			t.Fatal(err)
		}
	}
	add("a", tar.TypeSymlink, "/"+strings.Repeat("a/../", 800)+"a/..") // follows itself
	add("d/l", tar.TypeSymlink, "../a/../"+strings.Repeat("x/../", 800))
	for i := range links {
		add(fmt.Sprintf("d/%d", i), tar.TypeLink, "d/l")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	root := layout.Root(decodertest.Checkpoint{Members: map[string][]byte{"rootfs-diff.tar": b.Bytes()}}.Open(t), layout.Options{})
	entries, err := lookup(t, root, "rootfs-diff/d").(tree.Dir).Entries()
	if err != nil || len(entries) != links+1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	start := time.Now()
	for i, e := range entries {
		if got := e.Node.(tree.Symlink).Target(); got != e.Name {
			t.Fatalf("%s leads to %.100q, want itself", e.Name, got)
		}
		if took := time.Since(start); took > enough {
			t.Fatalf("%v for %d of %d links", took, i, links)
		}
	}
}

// A long name of a deleted file is there once, however many descriptors and
// mappings are of it.
func TestManyDescriptorsOfADeletedFile(t *testing.T) {
	const descriptors, most = 20_000, 32 << 20
	var table []proto.Message
	p := decodertest.Process{PID: 1}
	for i := range uint32(descriptors) {
		table = append(table, &fdinfo.FdinfoEntry{Id: proto.Uint32(2), Fd: &i, Flags: proto.Uint32(0), Type: fdinfo.FdTypes_REG.Enum()})
		start := uint64(i+1) * 0x10000
		p.VMAs = append(p.VMAs, decodertest.VMA{
			Start: start, End: start + 0x1000, Prot: rw, ShmID: 2, Flags: decoder.MapPrivate, Status: decoder.StatusRegular | decoder.StatusFilePrivate,
		})
	}
	remap := &remap_file_path.RemapFilePathEntry{OrigId: proto.Uint32(2), RemapId: proto.Uint32(1), RemapType: remap_file_path.RemapType_GHOST.Enum()}
	root := layout.Root(decodertest.Checkpoint{
		Processes: []decodertest.Process{p},
		Files:     map[uint32]string{1: "/x", 2: strings.Repeat("/"+strings.Repeat("d", 255), 15)},
		Members: map[string][]byte{
			"checkpoint/fdinfo-1.img":     decodertest.Image(criu.MagicFdinfo, table...),
			"checkpoint/remap-fpath.img":  decodertest.Image(criu.MagicRemapFpath, remap),
			"checkpoint/ghost-file-1.img": decodertest.Image(criu.MagicGhostFile, &ghost_file.GhostFileEntry{Uid: proto.Uint32(0), Gid: proto.Uint32(0), Mode: proto.Uint32(0o100600)}),
		},
	}.Open(t), layout.Options{})
	for _, name := range []string{"procs/1/fd", "procs/1/map_files"} {
		before := heap()
		entries, err := lookup(t, root, name).(tree.Dir).Entries()
		if n := heap() - before; err != nil || len(entries) != descriptors || n > most {
			t.Errorf("%s: %d links take %d bytes, %v", name, len(entries), n, err)
		}
		runtime.KeepAlive(entries)
	}
}

// The ids of a user namespace are there once, however many processes are in it.
func TestIDsOfANamespace(t *testing.T) {
	m := &userns.UsernsEntry{
		UidMap: []*userns.UidGidExtent{{First: proto.Uint32(1), LowerFirst: proto.Uint32(100), Count: proto.Uint32(2)}},
		GidMap: []*userns.UidGidExtent{{First: proto.Uint32(3), LowerFirst: proto.Uint32(300), Count: proto.Uint32(4)}},
	}
	ids := decodertest.Image(criu.MagicIDs, &criu_core.TaskKobjIdsEntry{
		VmId: proto.Uint32(1), FilesId: proto.Uint32(1), FsId: proto.Uint32(1), SighandId: proto.Uint32(1), UserNsId: proto.Uint32(9),
	})
	root := layout.Root(decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1}, {PID: 2}},
		Members: map[string][]byte{
			"checkpoint/userns-9.img": decodertest.Image(criu.MagicUserNS, m), "checkpoint/ids-1.img": ids, "checkpoint/ids-2.img": ids,
		},
	}.Open(t), layout.Options{})
	for name, want := range map[string]string{"uid_map": "100", "gid_map": "300"} {
		var contents []tree.Content
		for _, pid := range []string{"1", "2"} {
			c, err := lookup(t, root, "procs/"+pid+"/"+name).(tree.File).Content()
			if err != nil {
				t.Fatal(err)
			}
			contents = append(contents, c)
		}
		if text := read(t, root, "procs/2/"+name); contents[0] != contents[1] || !strings.Contains(text, want) {
			t.Errorf("%s: %q, made for each process", name, text)
		}
	}
}

// Each tar in the archive is a folder, and to list one does not mean to go through
// all of them.
func TestManyNestedTars(t *testing.T) {
	const tars, enough = 20_000, 20 * time.Second
	members := make(map[string][]byte)
	for i := range tars {
		members[fmt.Sprintf("%d.tar", i)] = []byte{}
	}
	root := layout.Root(decodertest.Checkpoint{Members: members}.Open(t), layout.Options{})
	start := time.Now()
	for i := range tars {
		entries, err := lookup(t, root, fmt.Sprintf("archive/%d.tar.d", i)).(tree.Dir).Entries()
		if err != nil || len(entries) != 0 {
			t.Fatalf("%d: %d entries, %v", i, len(entries), err)
		}
		if took := time.Since(start); took > enough {
			t.Fatalf("%v for %d of %d folders", took, i, tars)
		}
	}
}

// A file of users that is too large for those who read it is none.
func TestLargeCovers(t *testing.T) {
	c := sample(t)
	c.Members["rootfs-diff.tar"] = tarOf(t, "etc/passwd="+strings.Repeat("x", 16<<20+1), "etc/group="+strings.Repeat("x", 16<<20))
	ck := c.Open(t)
	covers := "ckptfs/covers/"
	proc := layout.Proc(ck, layout.Options{})
	for name, want := range map[string]int{"passwd": 0, "group": 16 << 20} {
		if got := len(read(t, proc, covers+name)); got != want {
			t.Errorf("%s has %d bytes, want %d", name, got, want)
		}
	}
	if got := strings.Join(ck.Warnings.List(), "\n"); got != "rootfs/etc/passwd: a file of 16777217 bytes, of which exec takes no names" {
		t.Errorf("warnings %q", got)
	}
}

// The mount tables are put in order once, however many processes have one of many.
func TestManyMountTables(t *testing.T) {
	const namespaces, allocations = 1000, 10
	members := make(map[string][]byte)
	for i := range uint32(namespaces) {
		members[fmt.Sprintf("checkpoint/mountpoints-%d.img", i+1)] = mountTable(mounted(i+1, 0, 40, "/", "/"))
	}
	ck := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1}}, Members: members}.Open(t)
	p := *ck.Processes[0]
	p.IDs = &decoder.IDs{Mnt: namespaces}
	if n := testing.AllocsPerRun(100, func() { ck.MountTable(&p) }); n > allocations || len(ck.MountTable(&p)) != 1 {
		t.Errorf("%v allocations for the table of one process, want at most %d", n, allocations)
	}
}

// Images that make much text, and text that does not compress, are not all kept.
func TestManyLargeTexts(t *testing.T) {
	const images, size, enough = 240, 1 << 20, 180 << 20
	text := make([]byte, size)
	random := rand.New(rand.NewSource(1))
	for i := range text {
		text[i] = byte('0' + random.Intn(64))
	}
	image := decodertest.Image(criu.MagicUTSNS, &utsns.UtsnsEntry{Nodename: proto.String(string(text)), Domainname: proto.String("")})
	members := make(map[string][]byte)
	for i := range images {
		members[fmt.Sprintf("checkpoint/utsns-%d.img", i)] = image
	}
	root := layout.Root(decodertest.Checkpoint{Members: members}.Open(t), layout.Options{})
	before := heap()
	for i := range images {
		c, err := lookup(t, root, fmt.Sprintf("images/utsns-%d.json", i)).(tree.File).Content()
		if err != nil || c.Size() < size {
			t.Fatalf("image %d: %d bytes, %v", i, c.Size(), err)
		}
	}
	if kept := heap() - before; kept > enough {
		t.Errorf("%d images keep %d MiB", images, kept>>20)
	}
	runtime.KeepAlive(root)
}
