package decoder

import (
	"encoding/json"
	"io"
	"path"
	"slices"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// dockerManifestFile is what names the images of a docker-archive.
const dockerManifestFile = "manifest.json"

// dockerArchive are the checkpoints in the images that docker save or podman
// save --format docker-archive wrote: a list in manifest.json says which
// members are their layers. It keeps no annotations.
//
// Source: moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem
// Changeset Format"; containers/image, docker/internal/tarfile.
func (f *finder) dockerArchive() ([]*source, error) {
	m, err := f.archive.image(dockerManifestFile)
	if err != nil || m.Size() > maxManifest {
		return nil, nil //nolint:nilerr // another form
	}
	data, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	if err != nil {
		return nil, err
	}
	var images []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if json.Unmarshal(data, &images) != nil || len(images) == 0 || images[0].Layers == nil {
		return nil, nil //nolint:nilerr // it is something else that has that name
	}
	var list []*source
	var search layerSearch
	for _, image := range images {
		var layers []tarMember
		for _, name := range image.Layers {
			layers = append(layers, tarMember{in: f.archive, name: f.archive.follow(name)})
		}
		found, err := search.inLayers(f, layers)
		if err != nil {
			return nil, err
		}
		nameSources(found, slices.Concat(image.RepoTags, []string{image.Config}))
		for _, s := range found {
			s.form = "docker-archive"
		}
		list = append(list, found...)
	}
	if len(list) == 0 {
		return nil, &NotCheckpointError{"a docker-archive image that holds no checkpoint" + search.because()}
	}
	return list, nil
}

// follow is the member that a name leads to: layers that images share are
// links.
func (im *images) follow(name string) string {
	const most = 8 // links
	name = rootRelative(name)
	for range most {
		m := im.archive.Lookup(name)
		if m == nil || m.Type != archive.TypeSymlink {
			break
		}
		name = rootRelative(path.Join(folder(name), m.Target))
	}
	return name
}
