package decoder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The parts of a checkpoint as containerd keeps it.
//
// Source: containerd, core/images/mediatypes.go.
const (
	containerdImages = "application/vnd.containerd.container.criu.checkpoint.criu.tar"
	containerdSpec   = "application/vnd.containerd.container.checkpoint.config.v1+proto"
)

// containerd is the checkpoint that an index is, if it is one: its "manifests"
// are the checkpoint's parts. The images stand at the top of a tar of their
// own; the specification of the container is JSON in a protobuf Any; what was
// changed of the image is a layer, and the image itself may be there.
//
// Source: containerd, client/container.go:Checkpoint,
// client/container_checkpoint_opts.go.
func (w *ociWalk) containerd(data []byte) ([]*source, error) {
	var index v1.Index
	if err := json.Unmarshal(data, &index); err != nil {
		w.fault(fmt.Errorf("an index: %w", err))
		return nil, nil
	}
	parts := containerdPartsOf(index)
	if parts.images == nil {
		return nil, nil
	}
	t, err := w.tar(*parts.images)
	if err != nil {
		w.fault(err)
		return nil, nil
	}
	list, err := w.inLayers(w.finder, []tarMember{t})
	for _, s := range list {
		s.form = "containerd checkpoint"
		s.diff, s.layer = tarMember{in: w.archive}, true
		if parts.diff != nil {
			t, err := w.tar(*parts.diff)
			w.warn.Add(err)
			s.diff.name, s.diff.digest = t.name, t.digest
		}
		c := Container{
			Engine:  "containerd",
			Image:   index.Annotations[v1.AnnotationRefName],
			Runtime: index.Annotations["io.containerd.checkpoint.runtime"],
		}
		if parts.image != nil {
			c.ImageID, s.base = w.base(*parts.image, parts.images.Platform, 0)
		}
		if parts.spec != nil {
			c.Spec = w.spec(*parts.spec)
		}
		s.facts = append(s.facts, c.addTo)
	}
	return list, err
}

// containerdParts are the parts of a checkpoint, nil for what is not there.
type containerdParts struct {
	images *v1.Descriptor // CRIU's
	spec   *v1.Descriptor
	diff   *v1.Descriptor // what was changed of the root file system
	image  *v1.Descriptor // the container's, or an index of it
}

func containerdPartsOf(index v1.Index) (parts containerdParts) {
	for i := range index.Manifests {
		switch d := &index.Manifests[i]; {
		case d.MediaType == containerdImages:
			parts.images = d
		case d.MediaType == containerdSpec:
			parts.spec = d
		case isLayer(d.MediaType):
			parts.diff = d
		case isManifest(d.MediaType), isIndex(d.MediaType):
			parts.image = d
		}
	}
	return parts
}

// base is the id of the container's image and its layers, the lowest first:
// all of them, or none.
func (w *ociWalk) base(image v1.Descriptor, platform *v1.Platform, depth int) (id string, layers []tarMember) {
	data, err := w.blob(image)
	if err != nil {
		w.warn.Add(optional(err))
		return "", nil
	}
	if isIndex(image.MediaType) {
		var index v1.Index
		w.warn.Add(json.Unmarshal(data, &index))
		for _, d := range index.Manifests {
			if depth < maxNesting && samePlatform(d.Platform, platform) {
				return w.base(d, platform, depth+1)
			}
		}
		return "", nil
	}
	var m v1.Manifest
	w.warn.Add(json.Unmarshal(data, &m))
	for _, d := range m.Layers {
		t, err := w.tar(d)
		if err == nil && len(layers) == maxLayers {
			err = fmt.Errorf("%s: more than %d layers", image.Digest, maxLayers)
		}
		if err != nil {
			w.warn.Add(fmt.Errorf("the container's image is left out: %w", err))
			return m.Config.Digest.String(), nil
		}
		layers = append(layers, t)
	}
	return m.Config.Digest.String(), layers
}

// samePlatform tells whether an image runs where the checkpoint was taken.
func samePlatform(image, checkpoint *v1.Platform) bool {
	return image == nil || checkpoint == nil ||
		image.OS == checkpoint.OS && image.Architecture == checkpoint.Architecture &&
			cmp.Or(image.Variant, checkpoint.Variant) == cmp.Or(checkpoint.Variant, image.Variant)
}

// spec decodes the container's specification.
func (w *ociWalk) spec(d v1.Descriptor) *specs.Spec {
	data, err := w.blob(d)
	if err != nil {
		w.warn.Add(err)
		return nil
	}
	var wrapped anypb.Any
	spec := new(specs.Spec)
	if err = proto.Unmarshal(data, &wrapped); err == nil {
		err = json.Unmarshal(wrapped.GetValue(), spec)
	}
	var mistyped *json.UnmarshalTypeError
	if err != nil {
		w.warn.Add(fmt.Errorf("the container's specification %s: %w", d.Digest, err))
		if !errors.As(err, &mistyped) {
			return nil
		}
	}
	return spec
}
