package layout

import (
	"path"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// links makes a tree with symbolic links, given as "name -> target".
func links(lines ...string) *branch {
	var members []*archive.Member
	for _, line := range lines {
		name, target, _ := strings.Cut(line, " -> ")
		members = append(members, &archive.Member{Name: name, Type: archive.TypeSymlink, Target: target})
	}
	return grow("", members)
}

func TestConfine(t *testing.T) {
	root := links("bin -> usr/bin", "deep -> /a/b/c", "loop -> loop", "up -> ../../..", "abs -> /",
		"long -> "+strings.Repeat("/", 4095), "longer -> long/../x")
	for _, test := range []struct{ name, dir, target, want string }{
		{"relative", "usr/bin", "sh", "sh"},
		{"at the top", ".", "sh", "sh"},
		{"absolute", "usr/bin", "/etc/passwd", "../../etc/passwd"},
		{"absolute, at the top", ".", "/etc/passwd", "etc/passwd"},
		{"the root itself", "usr", "/", ".."},
		{"the root itself, at the top", ".", "/", "."},
		{"up", "usr/bin", "../lib/x", "../../usr/lib/x"},
		{"up stops at the root", "usr", "../../../../etc/shadow", "../etc/shadow"},
		{"up at the top", ".", "../x", "x"},
		{"empty steps and dots", "a", "..//b/./c/", "../b/c"},
		{"up behind a name", ".", "x/../y", "y"},
		{"up behind a link leads where the link led", ".", "deep/../x", "a/b/x"},
		{"through a link that goes up too far", ".", "up/../etc", "etc"},
		{"by a link that leads to itself", ".", "loop/../../x", "link"},
		{"by a link that leads to itself, in a folder", "a/b", "/loop/..", "link"},
		{"by as much text as is read", ".", "long/../x", "x"},
		{"by more text than is read", "a", "/longer/../y", "link"},
		{"a link that is the last step is not followed", ".", "bin", "bin"},
		{"empty", "a/b", "", "../../a/b"},
		{"odd bytes", ".", "a\nb\x00c", "a\nb\x00c"},
	} {
		if got := confine(root, path.Join(test.dir, "link"), test.target); got != test.want {
			t.Errorf("%s: confine(%q, %q) = %q, want %q", test.name, test.dir, test.target, got, test.want)
		}
	}
}

// FuzzConfine checks that no target leads out of the tree: the steps up are
// those to the tree's root, and none comes behind a step down.
func FuzzConfine(f *testing.F) {
	f.Add("usr/bin", "../../../etc/passwd")
	f.Add("", "deep/../../..")
	root := links("deep -> /a/b/c", "up -> ../../..", "loop -> loop")
	f.Fuzz(func(t *testing.T, dir, target string) {
		steps, _ := resolve(nil, nil, dir)
		dir = strings.Join(steps, "/")
		depth := 0
		if dir != "" {
			depth = strings.Count(dir, "/") + 1
		}
		got := confine(root, path.Join(dir, "link"), target)
		if strings.HasPrefix(got, "/") {
			t.Fatalf("confine(%q, %q) = %q, which is absolute", dir, target, got)
		}
		for i, step := range strings.Split(got, "/") {
			if step == ".." && i >= depth {
				t.Fatalf("confine(%q, %q) = %q, which leads out of the tree", dir, target, got)
			}
		}
	})
}

func TestWhiteOut(t *testing.T) {
	for _, test := range []struct {
		name, path string
		want       string // where the whiteout is; "" for an error
	}{
		{"plain", "/etc/group", "etc/group"},
		{"without a slash", "etc/group", "etc/group"},
		{"upwards", "/../../etc/x", "etc/x"},
		{"the root", "/", ""},
		{"below a link", "/bin/sh", ""},
		{"NUL", "/a\x00b", ""},
		{"too long", "/" + strings.Repeat("a/", 3000), ""},
	} {
		root := links("bin -> usr/bin")
		room := maxWhiteouts
		err := whiteOut(root, test.path, &room)
		if test.want == "" {
			if err == nil {
				t.Errorf("%s: whiteOut(%q): no error", test.name, test.path)
			}
			continue
		}
		if b := root.lookup(strings.Split(test.want, "/")); err != nil || b == nil || !b.whiteout {
			t.Errorf("%s: whiteOut(%q): %v, no whiteout at %q", test.name, test.path, err, test.want)
		}
	}
	root, room := links("etc/group -> x"), 1
	if err := whiteOut(root, "/etc/group", &room); err != nil || root.lookup([]string{"etc", "group"}).whiteout {
		t.Errorf("whiteOut() of what was made anew: %v, or it is a whiteout", err)
	}
	if err := whiteOut(root, "/a/b", &room); err == nil {
		t.Error("whiteOut() of two files where there is room for one: no error")
	}
}
