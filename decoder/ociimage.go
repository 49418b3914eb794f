package decoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// What a hostile OCI image layout can make us read before it is known what it
// holds. Indexes and manifests are of some KB: registries need not take more
// than 4 MiB (distribution-spec, "Pushing Manifests").
const (
	maxManifest  = 1 << 20  // bytes of an index or a manifest
	maxManifests = 16 << 20 // bytes of all of them
	maxNesting   = 8        // indexes in indexes
	maxLayers    = 128      // layers that are opened
)

// Docker's media types, older than those of image-spec.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

func isIndex(mediaType string) bool {
	return mediaType == v1.MediaTypeImageIndex || mediaType == dockerList
}

func isManifest(mediaType string) bool {
	return mediaType == v1.MediaTypeImageManifest || mediaType == dockerManifest
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

// name names the checkpoints of an image by its tags and its digest. Where it
// has several, those have their folders behind them.
func (w *ociWalk) name(list []*source, d v1.Descriptor, names []string) {
	names = append(names, d.Digest.String())
	for _, s := range list {
		all := slices.Clone(names)
		if len(list) > 1 {
			for i := range all {
				all[i] += "/" + s.names[0]
			}
		} else {
			w.seen[d.Digest] = s
		}
		s.names = all
		w.found = append(w.found, s)
	}
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

// layerSearch looks for checkpoints in the layers of images.
type layerSearch struct {
	opened int             // layers so far
	none   map[string]bool // those that have no checkpoint, by their place in the mount
	err    error           // the first that was met
}

// fault keeps what was met while nothing was found yet: a reason if that stays
// so.
func (s *layerSearch) fault(err error) {
	if s.err == nil {
		s.err = err
	}
}

// because is the reason why nothing was found, as the end of a sentence.
func (s *layerSearch) because() string {
	if s.err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", s.err)
}

// inLayers are the checkpoints in the uppermost layer of an image that has
// CRIU images. It fails only where a layer cannot be expanded for want of room.
func (s *layerSearch) inLayers(f *finder, layers []tarMember) ([]*source, error) {
	for _, t := range slices.Backward(layers) {
		switch {
		case s.none[t.folder()]:
			continue
		case s.opened == maxLayers:
			s.fault(fmt.Errorf("more than %d layers, the rest is not looked at", maxLayers))
			return nil, nil
		}
		s.opened++
		list, err := f.inTar(t)
		var full *archive.SpoolError
		switch {
		case errors.As(err, &full):
			return nil, err
		case err != nil:
			s.fault(err)
		case len(list) > 0:
			return list, nil
		}
		if s.none == nil {
			s.none = make(map[string]bool)
		}
		s.none[t.folder()] = true
		f.nested.forget(t)
	}
	return nil, nil
}

// inTar are the checkpoints in a tar that is a member of the archive. There is
// none in one without pstree.img and inventory.img: any file may be called
// x.img.
func (f *finder) inTar(t tarMember) ([]*source, error) {
	a, err := f.nested.open(t)
	if err != nil {
		return nil, err
	}
	inner := &finder{archive: &images{archive: a, mount: t.folder(), budget: f.archive.budget}, nested: f.nested, warn: f.warn}
	list, err := inner.folders()
	if err != nil || !list[0].isWhole() {
		return nil, nil //nolint:nilerr // the error says that there is none
	}
	list = inner.preferred(list)
	for _, s := range list {
		s.outer, s.wraps = f.archive, []tarMember{t}
	}
	return list, nil
}
