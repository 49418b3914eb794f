package imagejson_test

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/imagejson"
)

// Whatever an image holds, what is written of it without an error is JSON and
// nothing but printable ASCII.
func FuzzImageJSON(f *testing.F) {
	for _, name := range []string{"zoo/checkpoint.tar.zst", "counter/checkpoint.tar.zst", "nonroot/nr3.tar.zst"} {
		addImages(f, name)
	}
	f.Add(image(criu.MagicPstree, varint(101, 1)+fixed32(102, 1)+fixed64(103, 1)+text(104, "a")+group(105, varint(1, 1))))
	f.Add(image(magicCgroup, text(2, nested(5))))
	f.Fuzz(func(t *testing.T, b []byte) {
		var w bytes.Buffer
		room := full(1 << 20)
		err := imagejson.Write(io.MultiWriter(&room, &w), imagejson.Image{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), Name: "x.img", Source: "archive/x.img"})
		if err != nil {
			return
		}
		if !json.Valid(w.Bytes()) {
			t.Errorf("no JSON: %s", w.Bytes())
		}
		if i := strings.IndexFunc(w.String(), func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
			t.Errorf("not printable at %d: %q", i, w.Bytes()[i])
		}
	})
}

// addImages makes seeds of the small images of a real checkpoint: long ones take the fuzzer minutes to shorten.
func addImages(f *testing.F, name string) {
	f.Helper()
	a, err := archive.Open(filepath.Join("..", "..", "integration", "testdata", filepath.FromSlash(name)), archive.Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer a.Close()
	seeds := 0
	for _, m := range a.Members() {
		if m.Type != archive.TypeRegular || !strings.HasSuffix(m.Name, ".img") || m.Size() > 4<<10 {
			continue
		}
		b := make([]byte, m.Size())
		if n, err := m.ReadAt(b, 0); n < len(b) {
			f.Fatal(err)
		}
		f.Add(b)
		seeds++
	}
	if seeds < 20 {
		f.Fatalf("%s has only %d images", name, seeds)
	}
}
