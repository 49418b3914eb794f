package tree_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

var (
	fileAttr = tree.Attr{Perm: 0o444, MTime: time.Unix(1700000000, 0)}
	dirAttr  = tree.Attr{Perm: 0o555, MTime: time.Unix(1700000000, 0)}
)

// sample is a tree that io/fs can show whole.
func sample() tree.Dir {
	text := tree.Text(fileAttr, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "Name:\tcounters")
		return err
	})
	now := tree.VolatileText(fileAttr, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "as of now")
		return err
	})
	return tree.NewDir(dirAttr, []tree.Entry{
		{Name: "summary", Node: tree.Bytes(fileAttr, []byte("a container\n"))},
		{Name: "empty", Node: tree.Bytes(fileAttr, nil)},
		{Name: "warnings", Node: now},
		{Name: "procs", Node: tree.LazyDir(dirAttr, func() ([]tree.Entry, error) {
			return []tree.Entry{
				{Name: "status", Node: text},
				{Name: "cwd", Node: tree.NewSymlink(fileAttr, "../procs")},
				{Name: "exe", Node: tree.NewSymlink(fileAttr, "cwd/../summary")},
			}, nil
		})},
	})
}

func TestSampleConforms(t *testing.T) {
	treetest.Check(t, sample())
}

func TestFS(t *testing.T) {
	if err := fstest.TestFS(tree.FS(sample()), "summary", "empty", "warnings", "procs/status"); err != nil {
		t.Error(err)
	}
}

func TestLazyDirListsOnce(t *testing.T) {
	calls := 0
	broken := errors.New("broken image")
	d := tree.LazyDir(dirAttr, func() ([]tree.Entry, error) {
		calls++
		return nil, broken
	})
	for range 3 {
		if _, err := d.Entries(); !errors.Is(err, broken) {
			t.Errorf("Entries() = %v, want %v", err, broken)
		}
		if _, err := d.Lookup("x"); !errors.Is(err, broken) {
			t.Errorf("Lookup(x) = %v, want %v", err, broken)
		}
	}
	if calls != 1 {
		t.Errorf("listed %d times, want 1", calls)
	}
}

func TestRendering(t *testing.T) {
	calls := 0
	count := func(w io.Writer) error {
		calls++
		_, err := fmt.Fprint(w, calls)
		return err
	}
	text, now := tree.Text(fileAttr, count), tree.VolatileText(fileAttr, count)
	for i, tt := range []struct {
		file tree.File
		want string
	}{{text, "1"}, {text, "1"}, {now, "2"}, {now, "3"}, {text, "1"}} {
		c, err := tt.file.Content()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
		if string(got) != tt.want || err != nil {
			t.Errorf("step %d: content = %q, %v, want %q", i, got, err, tt.want)
		}
	}
}

func TestLegalName(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, ".": false, "..": false, "a/b": false, "a\x00": false,
		"...": true, " ": true, "\n": true, "\xff": true, `\`: true,
		strings.Repeat("x", 1024): true, strings.Repeat("x", 1025): false,
	} {
		if got := tree.LegalName(name); got != want {
			t.Errorf("LegalName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestFSWalk(t *testing.T) {
	link := func(target string) tree.Node { return tree.NewSymlink(fileAttr, target) }
	fsys := tree.FS(tree.NewDir(dirAttr, []tree.Entry{
		{Name: "f", Node: tree.Bytes(fileAttr, nil)},
		{Name: "d", Node: tree.NewDir(dirAttr, nil)},
		{Name: "fifo", Node: tree.NewSpecial(fileAttr, unix.S_IFIFO, 0, 0)},
		{Name: "loop", Node: link("loop")},
		{Name: "up", Node: link("../f")},
		{Name: "abs", Node: link("/f")},
		{Name: "dangling", Node: link("socket:[4711]")},
		{Name: "inside", Node: link("d/../f")},
		{Name: "slash", Node: link("d/")},
		{Name: "\xff", Node: tree.Bytes(fileAttr, nil)},
	}))
	for name, want := range map[string]error{
		"f": nil, "inside": nil, "slash": nil, ".": nil,
		"loop": fs.ErrNotExist, "up": fs.ErrNotExist, "abs": fs.ErrNotExist,
		"dangling": fs.ErrNotExist, "f/x": fs.ErrNotExist, "none": fs.ErrNotExist,
		"fifo": fs.ErrInvalid, "../f": fs.ErrInvalid, "\xff": fs.ErrInvalid,
	} {
		if _, err := fsys.Open(name); !errors.Is(err, want) {
			t.Errorf("Open(%q) = %v, want %v", name, err, want)
		}
	}
	list, err := fs.ReadDir(fsys, ".")
	if err != nil || len(list) != 9 {
		t.Errorf("ReadDir = %d entries, %v, want 9: all but the name that is not UTF-8", len(list), err)
	}
}
