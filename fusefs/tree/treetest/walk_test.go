package treetest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// reads is a content of one byte whose ReadAt always answers the same.
type reads struct {
	n   int
	err error
}

func (r reads) ReadAt([]byte, int64) (int, error) { return r.n, r.err }
func (r reads) Size() int64                       { return 1 }

func TestWalk(t *testing.T) {
	file := func(c tree.Content, err error) tree.Node {
		return tree.ContentFile(tree.Attr{}, func() (tree.Content, error) { return c, err })
	}
	link := func(target string) tree.Node { return tree.NewSymlink(tree.Attr{}, target) }
	bytes := strings.NewReader("\x00\x00ab\x00\x00")
	for _, tt := range []struct {
		name   string
		node   tree.Node
		failed int
		want   string // in the error; empty for none
	}{
		{"good", file(content{bytes, 6, 2, [][2]int64{{2, 4}}}, nil), 0, ""},
		{"cannot be opened", file(nil, io.ErrUnexpectedEOF), 1, ""},
		{"cannot be listed", tree.LazyDir(tree.Attr{}, func() ([]tree.Entry, error) { return nil, io.ErrUnexpectedEOF }), 1, ""},
		{"cannot be read", file(reads{0, errors.New("damaged")}, nil), 2, ""}, // at its beginning and its end
		{"too much", file(reads{1 << 30, io.EOF}, nil), 0, "ReadAt(65536 bytes, 0) = 1073741824"},
		{"short", file(reads{1, nil}, nil), 0, "and no error"},
		{"past the end", file(reads{2, io.EOF}, nil), 0, "in a file of 1"},
		{"size", file(content{bytes, -1, 0, nil}, nil), 0, "size -1"},
		{"extents", file(content{bytes, 6, 0, [][2]int64{{2, 2}}}, nil), 0, "NextHole of that = 2"},
		{"data size", file(content{bytes, 6, -1, nil}, nil), 0, "DataSize() = -1"},
		{"in", link("d/../a"), 0, ""},
		{"out", link("../../a"), 0, "leaves the mount"},
		{"absolute", link("/a"), 0, "leaves the mount"},
		{"empty", link(""), 0, "target of 0 bytes"},
		{"xattr", tree.NewSymlink(tree.Attr{Xattrs: map[string]string{"user.a": strings.Repeat("x", 1<<16+1)}}, "a"), 0, "attribute"},
		{"a\x00", link("b"), 0, "illegal"},
	} {
		got, err := Walk(tree.NewDir(tree.Attr{}, []tree.Entry{{Name: tt.name, Node: tt.node}}))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v, want no error", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		case tt.want == "" && got != Visited{1, tt.failed}:
			t.Errorf("%s: %+v, want %+v", tt.name, got, Visited{1, tt.failed})
		}
	}
}
