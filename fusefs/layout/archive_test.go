package layout_test

import (
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

// TestWrappedArchive has a checkpoint in a layer of an OCI image: archive/ is
// the image, with the layer as a folder, and in that the nested tars as
// folders.
func TestWrappedArchive(t *testing.T) {
	l := decodertest.Layout{}
	layer := l.Blob(v1.MediaTypeImageLayerGzip, decodertest.Gzip(sample(t).Tar()))
	other := l.Blob(v1.MediaTypeImageLayer, decodertest.TarOf(nil, nil))
	archive := l.Tar(l.Image(nil, other, layer))
	ck, err := decoder.Open(decodertest.OpenArchive(t, archive), decoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	root := layout.Root(ck, layout.Options{})
	treetest.Check(t, root)
	folder := "archive/" + decodertest.BlobName(layer) + ".d"
	if got := list(t, root, folder); !strings.Contains(got, "rootfs-diff.tar.d") {
		t.Errorf("%s has %s, want rootfs-diff.tar.d", folder, got)
	}
	if got, want := list(t, root, folder+"/rootfs-diff.tar.d"), list(t, layout.Root(sample(t).Open(t), layout.Options{}), "archive/rootfs-diff.tar.d"); got != want {
		t.Errorf("rootfs-diff.tar.d has %s, want %s", got, want)
	}
	if got := list(t, root, "archive/blobs/sha256"); strings.Count(got, ".d") != 1 {
		t.Errorf("blobs/sha256 has %s, want the layer with the checkpoint as the only folder", got)
	}
}

// A tar that is not at the top of the archive is a folder, too: volumes are.
func TestTarsInFolders(t *testing.T) {
	c := sample(t)
	c.Members["volumes/v1.tar"] = tarOf(t, "./a=A")
	c.Members["volumes/deep/v2.tar"] = decodertest.Gzip(tarOf(t, "b/", "b/c=C"))
	c.Members["volumes/broken.tar"] = []byte("no tar")
	c.Members["volumes/taken.tar"] = tarOf(t, "x=X")
	c.Members["volumes/taken.tar.d"] = []byte("a member")
	l := decodertest.Layout{}
	layer := l.Blob(v1.MediaTypeImageLayerGzip, decodertest.Gzip(c.Tar()))
	for archive, at := range map[string]string{
		string(c.Tar()):                    "archive",
		string(l.Tar(l.Image(nil, layer))): "archive/" + decodertest.BlobName(layer) + ".d",
	} {
		ck, err := decoder.Open(decodertest.OpenArchive(t, []byte(archive)), decoder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ck.Close() })
		root := layout.Root(ck, layout.Options{})
		if got, want := list(t, root, at+"/volumes"), "broken.tar broken.tar.d deep taken.tar taken.tar.d v1.tar v1.tar.d"; got != want {
			t.Errorf("%s/volumes has %s, want %s", at, got, want)
		}
		for name, want := range map[string]string{"v1.tar.d/a": "A", "deep/v2.tar.d/b/c": "C", "taken.tar.d": "a member"} {
			if got := read(t, root, at+"/volumes/"+name); got != want {
				t.Errorf("%s/volumes/%s has %q, want %q", at, name, got, want)
			}
		}
		if _, err := lookup(t, root, at+"/volumes/broken.tar.d").(tree.Dir).Entries(); err == nil {
			t.Errorf("%s/volumes/broken.tar.d: no error", at)
		}
		warnings := read(t, root, "warnings")
		for _, want := range []string{"volumes/broken.tar: ", "volumes/taken.tar.d: a member has the name"} {
			if !strings.Contains(warnings, want) {
				t.Errorf("warnings lack %q:\n%s", want, warnings)
			}
		}
	}
}
