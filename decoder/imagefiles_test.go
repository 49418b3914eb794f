package decoder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// One image under many names is rendered once: a hard link to one is refused,
// as it is where an image is decoded.
func TestLinkedImage(t *testing.T) {
	dir := t.TempDir()
	ck := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Comm: "sh"}}}
	for name, content := range ck.Contents() {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "checkpoint", "core-1.img"), filepath.Join(dir, "checkpoint", "core-2.img")); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(dir, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := decoder.Open(a, decoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	found := 0
	for _, f := range opened.ImageFiles() {
		var w strings.Builder
		err := f.WriteJSON(&w)
		switch f.Path {
		case "core-1":
			found++
			if err != nil || !strings.Contains(w.String(), `"comm": "sh"`) {
				t.Errorf("core-1: %v, %s", err, w.String())
			}
		case "core-2":
			found++
			if err == nil || !strings.Contains(err.Error(), "hard link") || w.Len() > 0 {
				t.Errorf("core-2: error %v, %s", err, w.String())
			}
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 images are listed", found)
	}
}
