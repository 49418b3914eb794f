package decodertest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layout is an OCI image layout in the making, as members by name.
type Layout map[string][]byte

// Blob adds a blob.
func (l Layout) Blob(mediaType string, content []byte) v1.Descriptor {
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	l[BlobName(d)] = content
	return d
}

// BlobName is the member that a blob is.
func BlobName(d v1.Descriptor) string { return "blobs/sha256/" + d.Digest.Encoded() }

// Image adds an image with these annotations and layers.
func (l Layout) Image(annotations map[string]string, layers ...v1.Descriptor) v1.Descriptor {
	return l.Blob(v1.MediaTypeImageManifest, toJSON(v1.Manifest{
		MediaType: v1.MediaTypeImageManifest, Config: l.Blob(v1.MediaTypeImageConfig, []byte("{}")), Layers: layers, Annotations: annotations,
	}))
}

// Index adds an index of images with these annotations.
func (l Layout) Index(annotations map[string]string, images ...v1.Descriptor) v1.Descriptor {
	return l.Blob(v1.MediaTypeImageIndex, toJSON(v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: images, Annotations: annotations}))
}

// Tar encodes the layout with an index.json of these images.
func (l Layout) Tar(images ...v1.Descriptor) []byte {
	l[v1.ImageLayoutFile] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	l[v1.ImageIndexFile] = toJSON(v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: images})
	return TarOf(l, nil)
}

// Tagged is the descriptor of an image with a name.
func Tagged(d v1.Descriptor, name string) v1.Descriptor {
	d.Annotations = map[string]string{v1.AnnotationRefName: name}
	return d
}

// Gzip compresses b.
func Gzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	must(w.Write(b))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func toJSON(v any) []byte { return must(json.Marshal(v)) }
