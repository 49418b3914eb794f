package decoder

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxNesting is how many indexes may be in one another.
const maxNesting = 8

// Docker's media types, older than those of image-spec.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar" // and more behind it
)

func isIndex(mediaType string) bool {
	return mediaType == v1.MediaTypeImageIndex || mediaType == dockerList
}

func isManifest(mediaType string) bool {
	return mediaType == v1.MediaTypeImageManifest || mediaType == dockerManifest
}

// isLayer tells whether a blob is the layer of an image. Docker's types and
// those of image-spec are meant, compressed or not.
//
// Source: containerd, core/images/mediatypes.go:IsLayerType.
func isLayer(mediaType string) bool {
	return strings.HasPrefix(mediaType, v1.MediaTypeImageLayer) || strings.HasPrefix(mediaType, dockerLayer)
}

// ociImages are the checkpoints in an OCI image layout, a tar or a directory:
// index.json names the images, and everything else is a blob that is named by
// its digest. An image holds a checkpoint as the archive's members in a layer,
// as podman container checkpoint --create-image and checkpointctl build have
// it, or as containerd has it (containerd.go).
//
// Source: image-spec, image-layout.md.
func (f *finder) ociImages() ([]*source, error) {
	isLayout := false
	var list []*source
	var search layerSearch
	// Which images are checkpoints is told by their annotations, if it is. Else
	// the layers of all have to be looked into.
	for _, thorough := range []bool{false, true} {
		var bytes int64
		for _, m := range f.archive.archive.Members() {
			dir := folder(m.Name)
			index := path.Join(dir, v1.ImageIndexFile)
			if path.Base(m.Name) != v1.ImageLayoutFile || f.archive.member(index) == nil {
				continue
			}
			isLayout = true
			w := &ociWalk{finder: f, layerSearch: &search, dir: dir, bytes: bytes, thorough: thorough, seen: make(map[digest.Digest]*source)}
			if data, err := w.read(index); err != nil {
				w.fault(err)
			} else if err := w.index(data, nil, 0); err != nil {
				return nil, err
			}
			list, bytes = append(list, w.found...), w.bytes
		}
		if !isLayout || len(list) > 0 {
			return list, nil
		}
	}
	return nil, &NotCheckpointError{"an OCI image layout, and none of its images is a checkpoint" + search.because()}
}

// ociWalk is the state of a walk through the images of a layout.
type ociWalk struct {
	*finder
	*layerSearch
	dir      string // of the layout
	bytes    int64  // of indexes and manifests that were read
	thorough bool   // layers are looked into though nothing says that they have a checkpoint
	found    []*source
	seen     map[digest.Digest]*source // nil for what is no checkpoint
}

// index walks the images of an index that has those names. It fails only where
// there is no room to look.
func (w *ociWalk) index(data []byte, names []string, depth int) error {
	var index v1.Index
	if err := json.Unmarshal(data, &index); err != nil {
		w.fault(fmt.Errorf("an index: %w", err))
		return nil
	}
	for _, d := range index.Manifests {
		if err := w.image(d, nameImage(d, names), depth); err != nil {
			return err
		}
	}
	return nil
}

// nameImage is what an image is called: as it or the index that it is in was
// tagged.
func nameImage(d v1.Descriptor, inherited []string) []string {
	names := slices.Clone(inherited)
	for _, key := range []string{"io.containerd.image.name", v1.AnnotationRefName} {
		if name := d.Annotations[key]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// image looks for a checkpoint in an image, or in the images of an index.
func (w *ociWalk) image(d v1.Descriptor, names []string, depth int) error {
	if !isIndex(d.MediaType) && !isManifest(d.MediaType) {
		return nil
	}
	if s, seen := w.seen[d.Digest]; seen {
		if s != nil { // another tag of the same image
			s.names = append(s.names, names...)
		}
		return nil
	}
	w.seen[d.Digest] = nil
	data, err := w.blob(d)
	if err != nil {
		w.fault(err) // images of other platforms are often not there
		return nil
	}
	find := w.manifest
	if isIndex(d.MediaType) {
		find = w.containerd
	}
	list, err := find(data)
	switch {
	case err != nil:
		return err
	case len(list) > 0:
		w.name(list, d, names)
		return nil
	case !isIndex(d.MediaType):
		return nil
	case depth == maxNesting:
		w.fault(fmt.Errorf("%s: more than %d indexes in one another", d.Digest, maxNesting))
		return nil
	default:
		return w.index(data, names, depth+1)
	}
}

// name names the checkpoints of an image by its tags and its digest.
func (w *ociWalk) name(list []*source, d v1.Descriptor, names []string) {
	nameSources(list, append(names, d.Digest.String()))
	if len(list) == 1 {
		w.seen[d.Digest] = list[0]
	}
	w.found = append(w.found, list...)
}

// manifest are the checkpoints in the layers of an image.
func (w *ociWalk) manifest(data []byte) ([]*source, error) {
	var m v1.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		w.fault(fmt.Errorf("a manifest: %w", err))
		return nil, nil
	}
	if !w.thorough && !hasCheckpointAnnotation(m.Annotations) {
		return nil, nil
	}
	var layers []tarMember
	for _, d := range m.Layers {
		if t, err := w.tar(d); err != nil {
			w.fault(err)
		} else {
			layers = append(layers, t)
		}
	}
	list, err := w.inLayers(w.finder, layers)
	for _, s := range list {
		s.form = "OCI image"
		s.facts = append(s.facts, annotationFacts(m.Annotations))
	}
	return list, err
}
