package integration

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// view is one of the three ways in which the mount shows a process's memory:
// mem, mem.d or the PT_LOADs of its core file.
type view struct {
	name   string
	chunks []chunk // ascending
}

// chunk is a range of addresses and where its bytes can be read.
type chunk struct {
	span
	perms  string
	src    io.ReaderAt
	offset int64 // of start in src
}

// page reads the page at addr.
func (v view) page(addr uint64, p []byte) error {
	i, ok := slices.BinarySearchFunc(v.chunks, addr, func(c chunk, a uint64) int {
		if c.holds(a) {
			return 0
		}
		return cmp.Compare(c.start, a)
	})
	if !ok {
		return fmt.Errorf("%#x is not in %s", addr, v.name)
	}
	c := v.chunks[i]
	_, err := c.src.ReadAt(p, c.offset+int64(addr-c.start))
	return err
}

// spans returns the ranges of the view, joined where they touch.
func (v view) spans() []span {
	var out []span
	for _, c := range v.chunks {
		out = append(out, c.span)
	}
	return merged(out)
}

// open opens a file of the mount until the test ends.
func open(t testing.TB, parts ...string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// memView is mem: one chunk, in which the offset is the address.
func memView(t testing.TB, root string, pid int) view {
	f := open(t, root, "procs", fmt.Sprint(pid), "mem")
	return view{"mem", []chunk{{span: span{0, 1 << 63}, src: f}}}
}

var stretchName = regexp.MustCompile(`^([0-9a-f]{16}-[0-9a-f]{16})\.([r-][w-][x-][ps])\.([A-Za-z0-9._-]+)$`)

// stretchView is mem.d. A stretch with a wrong name or size fails the test.
func stretchView(t testing.TB, root string, pid int) view {
	t.Helper()
	dir := filepath.Join(root, "procs", fmt.Sprint(pid), "mem.d")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := view{name: "mem.d"}
	for _, e := range entries {
		m := stretchName.FindStringSubmatch(e.Name())
		if m == nil {
			t.Errorf("mem.d/%s: not of the form <start>-<end>.<perms>.<label>", e.Name())
			continue
		}
		s, err := parseSpan(m[1])
		if err != nil {
			t.Errorf("mem.d/%s: %v", e.Name(), err)
			continue
		}
		f := open(t, dir, e.Name())
		if fi, err := f.Stat(); err != nil || uint64(fi.Size()) != s.end-s.start {
			t.Errorf("mem.d/%s: size %d, want %d (%v)", e.Name(), fi.Size(), s.end-s.start, err)
		}
		v.chunks = append(v.chunks, chunk{span: s, perms: m[2], src: f})
	}
	return v
}

// coreView is the core file's PT_LOADs.
func coreView(t testing.TB, root string, pid int) view {
	t.Helper()
	v := view{name: "core"}
	raw := open(t, root, "cores", fmt.Sprintf("core.%d", pid))
	f, err := elf.NewFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			perms := []byte("---")
			for i, flag := range []elf.ProgFlag{elf.PF_R, elf.PF_W, elf.PF_X} {
				if p.Flags&flag != 0 {
					perms[i] = "rwx"[i]
				}
			}
			v.chunks = append(v.chunks, chunk{span{p.Vaddr, p.Vaddr + p.Filesz}, string(perms), raw, int64(p.Off)})
		}
	}
	return v
}

// views returns the three of them.
func views(t testing.TB, root string, pid int) []view {
	return []view{memView(t, root, pid), stretchView(t, root, pid), coreView(t, root, pid)}
}
