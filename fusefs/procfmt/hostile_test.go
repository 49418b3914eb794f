package procfmt

import (
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/memview"
)

// hole is a source of zeros without end.
type hole struct{}

func (hole) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// Captured pages are compared with the mapped file only as far as there is
// time for: those of a hostile archive can be holes of terabytes.
func TestComparesNotWithoutEnd(t *testing.T) {
	const size = 1 << 40
	v := &decoder.VMA{
		Range: decoder.Range{Start: 1 << 40, End: 1<<40 + size}, Prot: decoder.ProtRead | decoder.ProtExec, Flags: decoder.MapPrivate,
		Status: decoder.StatusRegular | decoder.StatusFilePrivate,
		File:   &decoder.File{Path: "/x", Backing: &decoder.Backing{Image: decoder.Image{ReaderAt: hole{}}, Size: size, Fragments: []decoder.Fragment{{Len: size}}}},
	}
	mm := &decoder.MM{PageSize: 4096, VMAs: []*decoder.VMA{v}, Capture: &decoder.Capture{
		Runs: []criu.PageRun{{Addr: 1 << 40, Pages: size / 4096, Flags: criu.PagePresent}}, Pages: &decoder.Image{ReaderAt: hole{}, Name: "pages"},
	}}
	var b strings.Builder
	if err := MemIdx(&b, mm, memview.New(mm)); err != nil || !strings.HasSuffix(b.String(), "\tmodified\n") {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// Of the other end of a socket not more holders are named than one can read.
func TestManyPeerHolders(t *testing.T) {
	p := &decoder.Process{PID: 1, Comm: "sh"}
	s := &decoder.Socket{File: &decoder.File{}, Holders: make([]decoder.Holder, 100_000)}
	for i := range s.Holders {
		s.Holders[i] = decoder.Holder{Process: p, FD: i}
	}
	if text := withHolders("@x", s); len(text) > 1000 || !strings.HasSuffix(text, "1/63:sh and 99936 more)") {
		t.Errorf("%.300q", text)
	}
	s.Holders = s.Holders[:2]
	if text, want := withHolders("@x", s), "@x (1/0:sh,1/1:sh)"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	if text := withHolders("@x", new(decoder.Socket)); text != "@x" {
		t.Errorf("%q, want @x", text)
	}
}
