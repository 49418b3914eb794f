package layout_test

import (
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
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
