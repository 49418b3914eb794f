package layout_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

func TestProc(t *testing.T) {
	proc := layout.Proc(system(t), layout.Options{})
	treetest.Check(t, proc, treetest.At("proc"))
	if got, want := list(t, proc, "ckptfs/covers"), strings.Join(slices.Sorted(maps.Keys(layout.Covers)), " "); got != want {
		t.Errorf("covers has %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"ckptfs/covers/passwd":        "root:x:0:0::/:/bin/sh\n",
		"ckptfs/covers/group":         "", // a link, which could lead anywhere
		"ckptfs/covers/hosts":         "",
		"ckptfs/covers/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\n",
		"ckptfs/covers/utmp":          "",
		"ckptfs/rootfs/etc/passwd":    "root:x:0:0::/:/bin/sh\n",
	} {
		if got := read(t, proc, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string][2]string{
		"1/exe":                   {"/bin/sh", "../ckptfs/rootfs/bin/sh"},
		"1/core":                  {"", "../ckptfs/cores/core.1"},
		"ckptfs/procs":            {"", ".."},
		"ckptfs/rootfs/etc/group": {"/etc/passwd", "../etc/passwd"},
	} {
		link := lookup(t, proc, name).(tree.Symlink)
		text := ""
		if magic, ok := link.(tree.MagicLink); ok {
			text = magic.Text()
		}
		if text != want[0] || link.Target() != want[1] {
			t.Errorf("%s shows %q and leads to %q, want %q", name, text, link.Target(), want)
		}
	}
}

// A process finds itself, and nobody else finds it.
func TestProcOfTheCaller(t *testing.T) {
	proc := layout.Proc(system(t), layout.Options{}).(tree.Personal)
	for _, test := range []struct {
		pid  int
		name string
		want bool
	}{
		{300, "300", true},
		{300, "301", false},
		{300, "0300", false},
		{0, "0", false},
	} {
		node, err := proc.LookupAs(test.pid, test.name)
		if found := err == nil; found != test.want || !found && !errors.Is(err, tree.ErrNotExist) {
			t.Errorf("LookupAs(%d, %q): %v, want %v", test.pid, test.name, err, test.want)
		}
		if test.want && read(t, node.(tree.Dir), "comm") != "sh\n" {
			t.Errorf("LookupAs(%d, %q) is not the first process", test.pid, test.name)
		}
	}
	if _, err := proc.Lookup("300"); !errors.Is(err, tree.ErrNotExist) {
		t.Errorf("Lookup(300): %v", err)
	}
}

func TestProcWithoutProcesses(t *testing.T) {
	ck := decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/pstree.img": nil}}.Open(t)
	proc := layout.Proc(ck, layout.Options{})
	treetest.Check(t, proc, treetest.At("proc"))
	if _, err := proc.(tree.Personal).LookupAs(300, "300"); !errors.Is(err, tree.ErrNotExist) {
		t.Errorf("LookupAs(300): %v", err)
	}
}
