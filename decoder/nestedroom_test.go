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

// The folder that a tar was made of is there without opening the tar, of so many
// tars and no more.
func TestFoldersOfNestedTars(t *testing.T) {
	tarOf := func(headers ...tar.Header) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, h.Size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	inner := tarOf(tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o1777})
	links := []tar.Header{{Name: "0", Size: int64(len(inner))}}
	for i := range maxHeads {
		links = append(links, tar.Header{Name: fmt.Sprint(i + 1), Typeflag: tar.TypeLink, Linkname: "0"})
	}
	content := tarOf(links...)
	copy(content[512:], inner)
	outer, err := archive.OpenNested(bytes.NewReader(content), int64(len(content)), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := &nestedTars{warn: new(Warnings)}
	im := &images{archive: outer, mount: archiveDir}
	for range 2 {
		for i := range maxHeads + 1 {
			want := i < maxHeads
			if m := n.folder(tarMember{in: im, name: fmt.Sprint(i)}); (m != nil) != want || want && m.Perm != 0o1777 {
				t.Errorf("folder of tar %d: %v, want one: %v", i, m, want)
			}
		}
	}
	if len(n.opened) > 0 {
		t.Errorf("%d tars are open", len(n.opened))
	}
	if m := n.folder(tarMember{in: im, name: "missing"}); m != nil {
		t.Errorf("folder of a tar that is not there: %v", m)
	}
}
