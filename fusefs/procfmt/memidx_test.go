package procfmt

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/memview"
)

// lost is a source that cannot be read.
type lost struct{}

func (lost) ReadAt([]byte, int64) (int, error) { return 0, errors.New("lost") }

// A captured page of code is held against its file, and marked if it is another;
// what cannot be read is no evidence that somebody changed it.
func TestMarksOfCode(t *testing.T) {
	file, other := bytes.Repeat([]byte{1}, 4096), bytes.Repeat([]byte{2}, 4096)
	for _, test := range []struct {
		name        string
		pages, file io.ReaderAt // nil: no such file
		want        string
	}{
		{"as its file", bytes.NewReader(file), bytes.NewReader(file), "x"},
		{"changed", bytes.NewReader(other), bytes.NewReader(file), "x\tmodified"},
		{"of a file that is not here", bytes.NewReader(file), nil, "x\tmodified"},
		{"the page cannot be read", lost{}, bytes.NewReader(file), "x\tunreadable"},
		{"the file cannot be read", bytes.NewReader(file), lost{}, "x\tunreadable"},
	} {
		v := &decoder.VMA{
			Range: decoder.Range{Start: 0x1000, End: 0x2000}, Prot: decoder.ProtRead | decoder.ProtExec, Flags: decoder.MapPrivate,
			Status: decoder.StatusRegular | decoder.StatusFilePrivate, File: &decoder.File{Path: "/x"},
		}
		if test.file != nil {
			v.File.Backing = &decoder.Backing{Image: decoder.Image{ReaderAt: test.file}, Size: 4096, Fragments: []decoder.Fragment{{Len: 4096}}}
		}
		mm := &decoder.MM{PageSize: 4096, VMAs: []*decoder.VMA{v}, Capture: &decoder.Capture{
			Runs: []criu.PageRun{{Addr: 0x1000, Pages: 1, Flags: criu.PagePresent}}, Pages: &decoder.Image{ReaderAt: test.pages, Name: "pages"},
		}}
		var b strings.Builder
		want := "0000000000001000\t0000000000002000\tr-xp\tcaptured\tpages\t0\t" + test.want + "\n"
		if err := MemIdx(&b, mm, memview.New(mm)); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v, want %q", test.name, b.String(), err, want)
		}
	}
}
