package decoder

import (
	"archive/tar"
	"bytes"
	"fmt"
	"testing"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// All tars in an archive have room together, and one that is closed gives it back.
func TestRoomOfNestedTars(t *testing.T) {
	tarOf := func(names ...string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range names {
			if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(name))}); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(w, name)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	inner := tarOf("x", "y", "z")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range 3 {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Size: int64(len(inner))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(inner); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	outer, err := archive.OpenNested(bytes.NewReader(b.Bytes()), int64(b.Len()), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const memory = 2000 // enough for one and a half of three members
	n := &nestedTars{spool: archive.Options{Room: &archive.Room{Memory: memory}}, warn: new(Warnings)}
	im := &images{archive: outer, mount: archiveDir}
	for i, want := range []int{3, 2} {
		a, err := n.open(tarMember{in: im, name: fmt.Sprint(i)})
		if err != nil || len(a.Members()) != want {
			t.Errorf("%d: %d members, %v, want %d", i, len(a.Members()), err, want)
		}
	}
	n.forget(tarMember{in: im, name: "0"})
	n.forget(tarMember{in: im, name: "1"})
	if left := n.spool.Room.Memory; left != memory {
		t.Errorf("%d bytes are left, want %d", left, memory)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
