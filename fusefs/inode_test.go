package fusefs

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

func TestIdentity(t *testing.T) {
	file := func(inodePath string) tree.Node { return tree.Bytes(tree.Attr{InodePath: inodePath}, nil) }
	// The numbers are the same on every mount: `printf README | sha256sum`
	// begins with them.
	for _, tt := range []struct {
		node tree.Node
		path string
		ino  uint64
	}{
		{tree.NewDir(tree.Attr{}, nil), "", 1},
		{file(""), "README", 0x56f029a7f945d},
		{file("README"), "other", 0x56f029a7f945d},
		{file("/README"), "other", 0x56f029a7f945d},
	} {
		got := identity(tt.node, tt.path, nil)
		if got.Ino != tt.ino || got.Ino >= 1<<53 {
			t.Errorf("identity(%q).Ino = %#x, want %#x", tt.path, got.Ino, tt.ino)
		}
		if same := identity(tt.node, tt.path, nil); same != got {
			t.Errorf("identity(%q) = %v, then %v", tt.path, got, same)
		}
	}
	one, two := &session{path: "1", gen: 1}, &session{path: "2", gen: 2}
	plain := identity(file(""), "1/a", nil)
	inOne, linked := identity(file(""), "1/a", one), identity(file("a"), "1/b", one)
	if inOne.Ino != plain.Ino || inOne.Gen == plain.Gen || linked != inOne {
		t.Errorf("in a session: %v, a hard link %v, in none %v", inOne, linked, plain)
	}
	if other := identity(file("a"), "2/b", two); other.Ino == linked.Ino {
		t.Errorf("hard links in two sessions: %v, %v", linked, other)
	}
	again := &session{path: "1", gen: 3}
	if later := identity(file(""), "1/a", again); later.Ino != inOne.Ino || later.Gen == inOne.Gen {
		t.Errorf("in a session and the next: %v, %v", inOne, later)
	}
	if a, b := identity(file(""), "a", nil), identity(file(""), "b", nil); a.Gen == b.Gen || a.Ino == b.Ino {
		t.Errorf("a and b: %v, %v", a, b)
	}
}

func TestParent(t *testing.T) {
	for dir, want := range map[string]string{"": "", "a": "", "a/b": "a", "a/.../c": "a/..."} {
		if got := parent(dir); got != want {
			t.Errorf("parent(%q) = %q, want %q", dir, got, want)
		}
	}
}

func TestAttrOf(t *testing.T) {
	m, at := time.Unix(-5, 7), time.Unix(3, 0)
	for _, tt := range []struct {
		name                string
		attr                tree.Attr
		mtime, atime, ctime int64
		nsec                uint32
		nlink               uint32
	}{
		{"nothing known", tree.Attr{}, 0, 0, 0, 0, 1},
		{"one time stands for all", tree.Attr{MTime: m, Nlink: 3}, -5, -5, -5, 7, 3},
		{"own times", tree.Attr{MTime: m, ATime: at}, -5, 3, -5, 7, 1},
	} {
		a := attrOf(tree.Bytes(tt.attr, nil), nil)
		if int64(a.Mtime) != tt.mtime || int64(a.Atime) != tt.atime || int64(a.Ctime) != tt.ctime || a.Mtimensec != tt.nsec || a.Nlink != tt.nlink {
			t.Errorf("%s: attrOf = %+v", tt.name, a)
		}
	}
	disk := attrOf(tree.NewSpecial(tree.Attr{Perm: 0o600}, unix.S_IFBLK, 259, 70000), nil)
	if want := uint32(70000&0xff | 259<<8 | 70000&^0xff<<12); disk.Rdev != want || disk.Mode != unix.S_IFBLK|0o600 {
		t.Errorf("device: rdev %#x, mode %#o, want %#x", disk.Rdev, disk.Mode, want)
	}
}
