package decoder

import (
	"fmt"
	"io"
	"path"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// What a hostile OCI image layout can make us read before it is known what it
// holds. Indexes and manifests are of some KB: registries need not take more
// than 4 MiB (distribution-spec, "Pushing Manifests").
const (
	maxManifest  = 1 << 20  // bytes of an index or a manifest
	maxManifests = 16 << 20 // bytes of all of them
)

// place is where a blob is in the layout.
func (w *ociWalk) place(d v1.Descriptor) (string, error) {
	if err := d.Digest.Validate(); err != nil {
		return "", fmt.Errorf("blob %.80q: %w", d.Digest, err)
	}
	name := path.Join(w.dir, v1.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded())
	m, err := w.archive.image(name)
	if err == nil && m.Size() != d.Size {
		w.warn.Addf("%s: %d bytes and not %d: it is not what the image was made of", name, m.Size(), d.Size)
	}
	return name, err
}

// tar is a blob that is a tar.
func (w *ociWalk) tar(d v1.Descriptor) (tarMember, error) {
	name, err := w.place(d)
	if err != nil {
		return tarMember{}, err
	}
	return tarMember{in: w.archive, name: name, digest: d.Digest}, nil
}

// blob reads a small blob, and holds it against its digest.
func (w *ociWalk) blob(d v1.Descriptor) ([]byte, error) {
	name, err := w.place(d)
	if err != nil {
		return nil, err
	}
	data, err := w.read(name)
	if err == nil {
		if err := differs(d.Digest.Algorithm().FromBytes(data), d.Digest); err != nil {
			w.warn.Addf("%s: %w", name, err)
		}
	}
	return data, err
}

// read reads an index or a manifest.
func (w *ociWalk) read(name string) ([]byte, error) {
	m, err := w.archive.image(name)
	switch {
	case err != nil:
		return nil, err
	case m.Size() > maxManifest:
		return nil, fmt.Errorf("%s: larger than %d bytes, not decoded", name, maxManifest)
	case w.bytes+m.Size() > maxManifests:
		return nil, fmt.Errorf("%s: more than %d bytes of indexes and manifests, not decoded", name, maxManifests)
	}
	w.bytes += m.Size()
	return io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
}
