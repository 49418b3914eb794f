package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// The source of a range in mem.idx holds its bytes: at the offset what mem has
// at the start, and so at the end.
func TestIndexSources(t *testing.T) {
	zoo := testdata("zoo", "sysroot.tar.zst")
	pre := testdata("predump", "pre.tar.zst")
	for _, row := range []struct {
		name, root string
		outside    map[string]string // folders with what is in no member of the archive, by the head of the source
		kinds      []string          // those that the index must have
	}{
		{"zoo", sharedMount(t, "zoo"), nil, []string{"captured", "shared", "file"}},
		{"counter", sharedMount(t, "counter"), nil, []string{"captured"}},
		{
			"zoo with its rootfs", mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", zoo),
			map[string]string{"rootfs/": sysroot(t, "zoo")},
			[]string{"captured", "shared", "file"},
		},
		{
			"predump", mount(t, testdata("predump", "final.tar.zst"), "--parent", pre),
			map[string]string{"pre-checkpoint/": filepath.Join(unpackedOnce(t, "predump", "pre.tar.zst"), "pre-checkpoint")},
			[]string{"captured", "inherited", "shared"},
		},
		{"chain", mount(t, testdata("chain", "chain.tar.zst")), nil, []string{"captured", "inherited", "shared"}},
		{"dedup", mount(t, testdata("chain", "dedup.tar.zst")), nil, []string{"captured", "inherited", "shared"}},
		{"aarch64", mount(t, testdata("aarch64", "aarch64.tar")), nil, []string{"captured", "shared"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			kinds := map[string]bool{}
			for _, pid := range pids(t, filepath.Join(row.root, "procs")) {
				dir := filepath.Join(row.root, "procs", fmt.Sprint(pid))
				if _, err := os.Stat(filepath.Join(dir, "mem.idx")); err != nil {
					checkZombie(t, strings.Fields(row.name)[0], pid)
					continue
				}
				mem := open(t, dir, "mem")
				for _, l := range parseIdx(t, read(t, dir, "mem.idx")) {
					if l.stored() {
						kinds[l.kind] = true
						checkSource(t, row.root, row.outside, mem, l)
					}
				}
			}
			for _, kind := range row.kinds {
				if !kinds[kind] {
					t.Errorf("mem.idx has no range that is %s, want some", kind)
				}
			}
		})
	}
}

// checkSource compares the first and the last page of a range with its source:
// a file in the mount or, where that has none, in one of the folders outside.
func checkSource(t *testing.T, root string, outside map[string]string, mem *os.File, l idxLine) {
	t.Helper()
	path := filepath.Join(root, l.source)
	for head, dir := range outside {
		if rest, ok := strings.CutPrefix(l.source, head); ok {
			if _, err := os.Stat(path); err != nil {
				path = filepath.Join(dir, rest)
			}
		}
	}
	length := l.end - l.start
	for _, from := range []uint64{0, length - min(length, pageSize)} {
		got, want := make([]byte, min(length, pageSize)), make([]byte, min(length, pageSize))
		if _, err := mem.ReadAt(want, int64(l.start+from)); err != nil {
			t.Errorf("mem of %s at %x: %v, want the bytes of %s", root, l.start+from, err, l.source)
			continue
		}
		if _, err := byName(path).ReadAt(got, l.offset+int64(from)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s at %d is not mem at %x (%v), want it to be: %s", l.source, l.offset+int64(from), l.start+from, err, l.kind)
		}
	}
}

// In what CRIU dumped itself no page is marked as modified but the one where
// CRIU injects its system calls: it writes into the first page of the first
// executable mapping and restores it (compel/src/lib/infect.c), after which
// the page is the process's own, with the bytes of the file.
func TestModifiedPagesOfSoundProcesses(t *testing.T) {
	for _, fixture := range full {
		root, files := sharedMount(t, fixture), sysroot(t, fixture)
		eachRecord(t, fixture, func(p processPages, record string) {
			maps := parseMaps(p.t, read(p.t, record, "maps"))
			first := slices.IndexFunc(maps, func(m mapsLine) bool { return m.perms[2] == 'x' && m.name != "" })
			want := maps[first]
			for _, l := range p.idx() {
				if !l.modified {
					continue
				}
				if l.span != (span{want.start, want.start + pageSize}) || !strings.HasPrefix(want.perms, "r-x") {
					p.t.Errorf("mem.idx: %v %s = modified, want no page but the one at %x", l.span, l.label, want.start)
					continue
				}
				var offset int64
				fmt.Sscanf(want.offset, "%x", &offset)
				got, page := make([]byte, pageSize), make([]byte, pageSize)
				if _, err := open(p.t, root, "procs", fmt.Sprint(p.pid), "mem").ReadAt(got, int64(l.start)); err != nil {
					p.t.Error(err)
				}
				if strings.HasSuffix(want.name, "(deleted)") {
					continue // a program run from a memfd, and one that was deleted: not in the image
				}
				if _, err := byName(filepath.Join(files, want.name)).ReadAt(page, offset); err != nil || !bytes.Equal(got, page) {
					p.t.Errorf("mem of %d at %x is not %s at %#x (%v), want its page", p.pid, l.start, want.name, offset, err)
				}
			}
		}, root)
	}
}

// A captured page of a private mapping of an executable file is marked, be it
// in this checkpoint or in its parent; no other is.
func TestModifiedPages(t *testing.T) {
	const (
		present, parent = criu.PagePresent, criu.PageParent
		rx              = decoder.ProtRead | decoder.ProtExec
		private         = decoder.StatusRegular | decoder.StatusFilePrivate
		page            = pageSize
	)
	patch := func(text string) []byte { return bytes.Repeat([]byte(text), page)[:page] }
	file := func(start, end uint64, prot decoder.Prot) decodertest.VMA {
		return decodertest.VMA{Start: start, End: end, Prot: prot, Flags: decoder.MapPrivate, Status: private, ShmID: 2, PgOff: start - 0x10000}
	}
	ck := decodertest.Checkpoint{
		Files: map[uint32]string{0: "/", 1: "/bin/program", 2: "/lib/library.so"},
		Processes: []decodertest.Process{{
			PID: 1, Comm: "patched",
			VMAs: []decodertest.VMA{
				file(0x10000, 0x14000, rx),
				file(0x14000, 0x16000, decoder.ProtRead),
				{Start: 0x20000, End: 0x22000, Prot: rx},
			},
			Runs: []decodertest.Run{
				{Addr: 0x11000, Pages: 1, Flags: present, Data: patch("PATCHED.")},
				{Addr: 0x12000, Pages: 1, Flags: parent},
				{Addr: 0x14000, Pages: 1, Flags: present, Data: patch("RELOCATE")},
				{Addr: 0x20000, Pages: 1, Flags: present, Data: patch("JITTED..")},
			},
		}},
		Members: map[string][]byte{
			"before/inventory.img": decodertest.Image(criu.MagicInventory, &inventory.InventoryEntry{ImgVersion: proto.Uint32(0)}),
			"before/pagemap-1.img": decodertest.Pagemap(1, false, decodertest.Run{Addr: 0x12000, Pages: 1, Flags: present}),
			"before/pages-1.img":   patch("EARLIER."),
		},
		Links: map[string]string{"checkpoint/parent": "../before"},
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "checkpoint.tar")
	check(t, os.WriteFile(archive, ck.Tar(), 0o644))
	image := filepath.Join(dir, "image")
	check(t, os.MkdirAll(filepath.Join(image, "lib"), 0o755))
	check(t, os.WriteFile(filepath.Join(image, "lib", "library.so"), bytes.Repeat([]byte("ORIGINAL"), 6*page/8), 0o644))

	for _, row := range []struct {
		name    string
		options []string
		clean   string // the kind of pages that nobody wrote to
		text    string // what these hold
	}{
		{"without the file", nil, "absent", ""},
		{"with the file", []string{"--rootfs", image}, "file", "ORIGINAL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := mount(t, archive, row.options...)
			want := []struct {
				span
				kind, text string
				modified   bool
			}{
				{span{0x10000, 0x11000}, row.clean, row.text, false},
				{span{0x11000, 0x12000}, "captured", "PATCHED.", true},
				{span{0x12000, 0x13000}, "inherited", "EARLIER.", true},
				{span{0x13000, 0x14000}, row.clean, row.text, false},
				{span{0x14000, 0x15000}, "captured", "RELOCATE", false},
				{span{0x15000, 0x16000}, row.clean, row.text, false},
				{span{0x20000, 0x21000}, "captured", "JITTED..", false},
				{span{0x21000, 0x22000}, "zero", "\x00\x00\x00\x00\x00\x00\x00\x00", false},
			}
			got := parseIdx(t, read(t, root, "procs", "1", "mem.idx"))
			mem := open(t, root, "procs", "1", "mem")
			for i, w := range want {
				if i >= len(got) || got[i].span != w.span || got[i].kind != w.kind || got[i].modified != w.modified {
					t.Fatalf("mem.idx = %+v,\nwant line %d %v %s, modified: %v", got, i, w.span, w.kind, w.modified)
				}
				b := make([]byte, len(w.text))
				if _, err := mem.ReadAt(b, int64(w.end)-8); w.text != "" && (err != nil || string(b) != w.text) {
					t.Errorf("mem at the end of %v = %q, %v, want %q", w.span, b, err, w.text)
				}
			}
			if len(got) != len(want) {
				t.Errorf("mem.idx = %+v, want %d lines", got, len(want))
			}
		})
	}
}
