package treetest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// A recorder stands in for a test and keeps its failures.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }

// content is zeros with the data extents given, or a lie about them.
type content struct {
	io.ReaderAt
	size, data int64
	extents    [][2]int64
}

func (c content) Size() int64     { return c.size }
func (c content) DataSize() int64 { return c.data }

func (c content) NextData(off int64) (int64, error) {
	for _, e := range c.extents {
		if off < e[1] {
			return max(off, e[0]), nil
		}
	}
	return 0, io.EOF
}

func (c content) NextHole(off int64) (int64, error) {
	if off >= c.size {
		return 0, io.EOF
	}
	for _, e := range c.extents {
		if e[0] <= off && off < e[1] {
			return e[1], nil
		}
	}
	return off, nil
}

func TestCheck(t *testing.T) {
	bytes := strings.NewReader("\x00\x00ab\x00\x00")
	file := func(c tree.Content) tree.Node {
		return tree.ContentFile(tree.Attr{}, func() (tree.Content, error) { return c, nil })
	}
	link := func(target string) tree.Node { return tree.NewSymlink(tree.Attr{}, target) }
	for _, tt := range []struct {
		name string
		node tree.Node
		want string // in the one failure; empty for none
	}{
		{"good", file(content{bytes, 6, 2, [][2]int64{{2, 4}}}), ""},
		{"sum", file(content{bytes, 6, 3, [][2]int64{{2, 4}}}), "DataSize() = 3, extents sum up to 2"},
		{"hole with data", file(content{bytes, 6, 1, [][2]int64{{3, 4}}}), "is not all zeros"},
		{"in", link("d/../a"), ""},
		{"out", link("../../a"), "leaves the mount"},
		{"absolute", link("/a"), "is absolute"},
		{"a\x00", link("b"), "illegal name"},
	} {
		r := &recorder{}
		Check(r, tree.NewDir(tree.Attr{}, []tree.Entry{{Name: tt.name, Node: tt.node}}))
		switch got := strings.Join(r.errors, "; "); {
		case tt.want == "" && got != "":
			t.Errorf("%s: %s, want no failure", tt.name, got)
		case !strings.Contains(got, tt.want):
			t.Errorf("%s: failures %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCheckShortFile(t *testing.T) {
	r := &recorder{}
	short := content{strings.NewReader("ab"), 3, 3, [][2]int64{{0, 3}}}
	Check(r, tree.NewDir(tree.Attr{}, []tree.Entry{
		{Name: "f", Node: tree.ContentFile(tree.Attr{}, func() (tree.Content, error) { return short, nil })},
	}))
	if len(r.errors) == 0 {
		t.Error("a file shorter than its size is not noticed")
	}
}
