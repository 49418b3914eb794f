package integration

import (
	"bytes"
	"crypto/sha1"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// recording is a checkpoint whose live processes were recorded, with all that
// belongs to it: the files of the container's image, and the parent where that
// is an archive of its own.
type recording struct {
	name, archive, truth, sysroot, parent string
}

var recorded = []recording{
	{"zoo", "zoo/checkpoint.tar.zst", "zoo/truth.tar.zst", "zoo", ""},
	{"counter", "counter/checkpoint.tar.zst", "counter/truth.tar.zst", "counter", ""},
	{"predump", "predump/final.tar.zst", "predump/truth.tar.zst", "predump", "predump/pre.tar.zst"},
	{"chain", "chain/chain.tar.zst", "chain/truth.tar.zst", "chain", ""},
	{"dedup", "chain/dedup.tar.zst", "chain/truth-dedup.tar.zst", "chain", ""},
	{"nr2", "nonroot/nr2.tar.zst", "nonroot/truth-nr2.tar.zst", "nonroot", ""},
	{"nr3", "nonroot/nr3.tar.zst", "nonroot/truth-nr3.tar.zst", "nonroot", ""},
	{"thp", "thp/thp.tar.zst", "thp/truth.tar.zst", "thp", ""},
	{"compat", "compat/compat.tar.zst", "compat/truth.tar.zst", "compat", ""},
	{"aarch64", "aarch64/aarch64.tar", "aarch64/truth.tar.zst", "aarch64", ""},
	{"vmas", "vmas/vmas.tar.zst", "vmas/truth.tar.zst", "vmas", ""},
	{"containerd", "containerd/ck-all.tar.zst", "containerd/truth.tar.zst", "nonroot", ""},
	{"tasks", "containerd/tasks-image-path.tar.zst", "containerd/truth.tar.zst", "nonroot", ""},
	{"docker", "docker/docker-container-dir.tar.zst", "docker/truth.tar.zst", "nonroot", ""},
}

// mountWithParent mounts a recorded checkpoint so that all its memory is there,
// but for the files of the image.
func mountWithParent(t *testing.T, r recording) string {
	if r.parent == "" {
		return mountedOnce(t, testdata(r.archive))
	}
	return mount(t, testdata(r.archive), "--parent", testdata(r.parent))
}

// With the files of the image, and the parent, every page of every process is
// the live one's, through mem, mem.d and the cores, and no page holds more.
func TestEveryPageIsTheLiveProcess(t *testing.T) {
	for _, row := range recorded {
		t.Run(row.name, func(t *testing.T) {
			options := []string{"--rootfs", testdata(row.sysroot, "sysroot.tar.zst")}
			if row.parent != "" {
				options = append(options, "--parent", testdata(row.parent))
			}
			root, truth := mount(t, testdata(row.archive), options...), unpackedOnce(t, row.truth)
			if got := read(t, root, "warnings"); got != "" {
				t.Errorf("warnings = %q, want none", got)
			}
			for _, pid := range pids(t, filepath.Join(root, "procs")) {
				record := filepath.Join(truth, fmt.Sprint(pid))
				if _, err := os.Stat(filepath.Join(record, "mem-pages.sha1")); err != nil {
					checkZombie(t, row.name, pid)
					continue
				}
				t.Run(fmt.Sprint(pid), func(t *testing.T) {
					p := processPages{t, row.name, root, pid}
					sums := readSums(t, record)
					p.compareAll(sums)
					p.checkNothingElse(sums)
					for _, l := range p.idx() {
						if kernels := strings.HasPrefix(l.label, "vvar"); l.kind == "absent" && l.perms[0] == 'r' && !kernels {
							t.Errorf("mem.idx: %v %s %s = absent, want its bytes", l.span, l.perms, l.label)
						}
					}
				})
			}
		})
	}
}

// pageSum is a page of a live process.
type pageSum struct {
	addr uint64
	sum  string // SHA-1, in hexadecimal
}

// readSums reads the record of a process's pages: all that were readable and
// not zeros.
func readSums(t testing.TB, record string) []pageSum {
	t.Helper()
	var sums []pageSum
	for _, line := range lines(read(t, record, "mem-pages.sha1")) {
		address, sum, _ := strings.Cut(line, " ")
		addr, err := strconv.ParseUint(address, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, pageSum{addr, sum})
	}
	if len(sums) < 100 {
		t.Fatalf("the record in %s has %d pages, want at least 100", record, len(sums))
	}
	return sums
}

// processPages compares the pages of a process in a mount with its record.
type processPages struct {
	t       *testing.T
	fixture string
	root    string
	pid     int
}

func (p processPages) idx() []idxLine {
	p.t.Helper()
	return parseIdx(p.t, read(p.t, p.root, "procs", fmt.Sprint(p.pid), "mem.idx"))
}

// views returns mem, mem.d and the core file. Unlike those of the function
// views, the stretches of mem.d are opened as they are read, since there may be
// 70,000.
func (p processPages) views() []view {
	p.t.Helper()
	dir := filepath.Join(p.root, "procs", fmt.Sprint(p.pid), "mem.d")
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	stretches := view{name: "mem.d"}
	for _, e := range entries {
		m := stretchName.FindStringSubmatch(e.Name())
		if m == nil {
			p.t.Fatalf("mem.d/%s: not of the form <start>-<end>.<perms>.<label>", e.Name())
		}
		s, err := parseSpan(m[1])
		if err != nil {
			p.t.Fatal(err)
		}
		stretches.chunks = append(stretches.chunks, chunk{span: s, perms: m[2], src: byName(filepath.Join(dir, e.Name()))})
	}
	return []view{memView(p.t, p.root, p.pid), stretches, loadView(p.t, p.root, p.pid)}
}

// byName is a file that is open only while it is read.
type byName string

func (name byName) ReadAt(b []byte, off int64) (int, error) {
	f, err := os.Open(string(name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.ReadAt(b, off)
}

// loadView is coreView for as many segments as there may be: debug/elf knows
// no more than 65,534, elf(5) has PN_XNUM for more.
func loadView(t testing.TB, root string, pid int) view {
	t.Helper()
	const pnXnum = 0xffff
	core := open(t, root, "cores", fmt.Sprintf("core.%d", pid))
	at := func(offset uint64, out any) {
		if err := binary.Read(io.NewSectionReader(core, int64(offset), 1<<40), binary.LittleEndian, out); err != nil {
			t.Fatalf("core.%d at %#x: %v", pid, offset, err)
		}
	}
	v := view{name: "core"}
	load := func(at, length, offset uint64) {
		v.chunks = append(v.chunks, chunk{span: span{at, at + length}, src: core, offset: int64(offset)})
	}
	var head elf.Header64
	at(0, &head)
	if elf.Class(head.Ident[elf.EI_CLASS]) == elf.ELFCLASS32 {
		var head elf.Header32
		at(0, &head)
		progs := make([]elf.Prog32, head.Phnum)
		at(uint64(head.Phoff), progs)
		for _, p := range progs {
			if elf.ProgType(p.Type) == elf.PT_LOAD {
				load(uint64(p.Vaddr), uint64(p.Filesz), uint64(p.Off))
			}
		}
		return v
	}
	number := uint32(head.Phnum)
	if number == pnXnum {
		var section elf.Section64
		at(head.Shoff, &section)
		number = section.Info
	}
	progs := make([]elf.Prog64, number)
	at(head.Phoff, progs)
	for _, p := range progs {
		if elf.ProgType(p.Type) == elf.PT_LOAD {
			load(p.Vaddr, p.Filesz, p.Off)
		}
	}
	return v
}

// compareAll compares every recorded page in every view. Those that differ
// must be the ones that are listed, and differ as it is said there.
func (p processPages) compareAll(sums []pageSum) {
	p.t.Helper()
	listed := p.listed()
	for _, v := range p.views() {
		var differ []uint64
		for _, s := range sums {
			page := make([]byte, pageSize)
			if err := v.page(s.addr, page); err != nil {
				p.t.Errorf("%s of %d at %x: %v, want the page", v.name, p.pid, s.addr, err)
				continue
			}
			got := sha1Hex(page)
			if got == s.sum {
				continue
			}
			differ = append(differ, s.addr)
			if d := listed[s.addr]; d == nil || !d(page, s.sum) {
				p.t.Errorf("%s of %d at %x = SHA-1 %s, want %s", v.name, p.pid, s.addr, got, s.sum)
			}
		}
		for addr := range listed {
			if !slices.Contains(differ, addr) {
				p.t.Errorf("%s of %d at %x does not differ, want it off the list of pages that do", v.name, p.pid, addr)
			}
		}
	}
}

// checkNothingElse checks that readable pages of which the record has no
// checksum are zeros, as they were in the process.
func (p processPages) checkNothingElse(sums []pageSum) {
	p.t.Helper()
	const tooLong = 16 << 20 // the test for holes looks into what is longer
	var known []span
	for _, l := range p.idx() {
		if l.perms[0] == 'r' && (l.stored() || l.kind == "zero" && l.end-l.start <= tooLong) {
			known = append(known, l.span)
		}
	}
	live := make(map[uint64]bool)
	for _, s := range sums {
		live[s.addr] = true
	}
	mem := open(p.t, p.root, "procs", fmt.Sprint(p.pid), "mem")
	b := make([]byte, 1<<20)
	for _, s := range merged(known) {
		for start := s.start; start < s.end; start += uint64(len(b)) {
			part := b[:min(uint64(len(b)), s.end-start)]
			if _, err := mem.ReadAt(part, int64(start)); err != nil {
				p.t.Errorf("mem of %d at %x: %v, want %d bytes", p.pid, start, err, len(part))
				continue
			}
			for i := 0; i < len(part); i += pageSize {
				page := part[i:min(i+pageSize, len(part))]
				if addr := start + uint64(i); !live[addr] && len(bytes.Trim(page, "\x00")) != 0 {
					p.t.Errorf("mem of %d at %x holds bytes, want zeros as in the live process", p.pid, addr)
				}
			}
		}
	}
}

// checkMissing checks that no view has the page at addr: mem gives EIO.
func (p processPages) checkMissing(vs []view, addr uint64) {
	p.t.Helper()
	for _, v := range vs {
		err := v.page(addr, make([]byte, pageSize))
		if err == nil || v.name == "mem" && !errors.Is(err, syscall.EIO) {
			p.t.Errorf("%s of %d at %x = %v, want no page (in mem, EIO)", v.name, p.pid, addr, err)
		}
	}
}

func sha1Hex(b []byte) string {
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}
