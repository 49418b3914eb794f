package decoder

import (
	"errors"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Layer is the files of a mounted file system, or what was changed of those
// in the layer below it.
type Layer struct {
	Name string // where the mount has its files
	Dir  string // the part of the archive that was mounted; "" for all of it

	open   func() (layerFiles, error)
	folder func() *archive.Member // that all of the archive was made of
}

// root is the directory that was mounted, nil where that is not recorded.
func (l Layer) root() *archive.Member {
	if l.Dir == "" {
		return l.folder()
	}
	if files, err := l.open(); err == nil && files.Archive != nil {
		return files.Lookup(l.Dir)
	}
	return nil
}

// Archive opens the layer's files; nil where there are none.
func (l Layer) Archive() (*archive.Archive, error) {
	files, err := l.open()
	return files.Archive, err
}

// Deleted lists what the layer takes away of those below it, in the form of
// [Checkpoint.DeletedFiles]. Of a layer that cannot be opened there is what is
// known without it.
func (l Layer) Deleted() []string {
	files, _ := l.open()
	return files.deleted.paths
}

// Whole tells whether it is known of each name if the layer has it. If not, what
// the layers below have may have been replaced or deleted.
func (l Layer) Whole() bool {
	files, err := l.open()
	return err == nil && files.whole()
}

// layers are what the checkpoint has of a mounted file system, the lowest
// first. CRIU saves a tmpfs as a compressed tar; the engine saves /dev/shm,
// named volumes, and what was changed of the image.
//
// Source: criu/filesystems.c:tmpfs_dump.
func (l *loader) layers(m *Mount) []Layer {
	volume := l.source.engineTar(l.volumes[m.Point])
	shm := l.source.engineTar("devshm-checkpoint.tar")
	tmpfs := tarMember{in: l.images, name: l.name("tmpfs-dev-%d.tar.gz.img", m.Dev.Major<<20|m.Dev.Minor)}
	switch {
	case m.Point == "/":
		return l.rootLayers()
	case l.member(volume.name) != nil:
		return []Layer{l.nestedLayer("rootfs"+m.Point, volume)}
	case m.Point == "/dev/shm" && l.member(shm.name) != nil:
		return []Layer{l.nestedLayer(shm.folder(), shm)}
	case m.FSType == "tmpfs" && l.member(tmpfs.name) != nil:
		layer := l.nestedLayer("rootfs"+m.Point, tmpfs)
		layer.Dir = rootRelative(m.Root)
		return []Layer{layer}
	default:
		return nil
	}
}

// rootLayers are those of the root file system: the container's image, as it
// was given or as it is in the same archive, and what was changed of it.
func (l *loader) rootLayers() []Layer {
	var layers []Layer
	if l.rootfs != nil {
		layers = append(layers, Layer{Name: "rootfs", open: func() (layerFiles, error) { return layerFiles{Archive: l.rootfs}, nil }, folder: l.rootfs.Folder})
	} else {
		for _, t := range l.source.base {
			layers = append(layers, Layer{
				Name:   t.folder(),
				open:   func() (layerFiles, error) { return l.nested.openLayer(t) },
				folder: func() *archive.Member { return l.nested.folder(t) },
			})
		}
	}
	return append(layers, Layer{Name: "rootfs-diff", open: l.rootfsDiff, folder: func() *archive.Member { return l.nested.folder(l.source.diff) }})
}

// rootfsDiff is what was changed of the container's image.
func (l *loader) rootfsDiff() (layerFiles, error) {
	diff := l.source.diff
	if l.source.layer {
		files, err := l.nested.openLayer(diff)
		return files, optional(err)
	}
	a, err := l.nested.open(diff)
	lost := l.deleted.lost || errors.Is(err, ErrMissing) && !diff.in.archive.Complete()
	return layerFiles{a, l.deleted, lost}, optional(err)
}

func (l *loader) nestedLayer(name string, t tarMember) Layer {
	return Layer{Name: name, open: func() (layerFiles, error) {
		a, err := l.nested.open(t)
		return layerFiles{Archive: a}, optional(err)
	}, folder: func() *archive.Member { return l.nested.folder(t) }}
}
