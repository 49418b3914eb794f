package decoder

import "github.com/ckptfs/ckptfs/decoder/archive"

// Layer is the files of a mounted file system, or what was changed of those
// in the layer below it.
type Layer struct {
	Name string // where the mount has its files
	Dir  string // the part of the archive that was mounted; "" for all of it

	open    func() (*archive.Archive, error)
	deleted deletedFiles
}

// Archive opens the layer's files; nil where there are none.
func (l Layer) Archive() (*archive.Archive, error) { return l.open() }

// Deleted lists what the layer takes away of those below it, in the form of
// [Checkpoint.DeletedFiles].
func (l Layer) Deleted() []string { return l.deleted.paths }

// layers are what the checkpoint has of a mounted file system, the lowest
// first. CRIU saves a tmpfs as a compressed tar; the engine saves /dev/shm,
// named volumes, and what was changed of the image.
//
// Source: criu/filesystems.c:tmpfs_dump.
func (l *loader) layers(m *Mount) []Layer {
	volume := l.volumes[m.Point]
	tmpfs := l.name("tmpfs-dev-%d.tar.gz.img", m.Dev.Major<<20|m.Dev.Minor)
	switch {
	case m.Point == "/":
		return l.rootLayers()
	case l.member(volume) != nil:
		return []Layer{l.nestedLayer("rootfs"+m.Point, volume)}
	case m.Point == "/dev/shm" && l.member(devShm) != nil:
		return []Layer{l.nestedLayer(l.mountPath(devShm)+".d", devShm)}
	case m.FSType == "tmpfs" && l.member(tmpfs) != nil:
		layer := l.nestedLayer("rootfs"+m.Point, tmpfs)
		layer.Dir = rootRelative(m.Root)
		return []Layer{layer}
	default:
		return nil
	}
}

const (
	devShm     = "devshm-checkpoint.tar"
	rootfsDiff = "rootfs-diff.tar"
)

func (l *loader) rootLayers() []Layer {
	var layers []Layer
	if l.rootfs != nil {
		layers = append(layers, Layer{Name: "rootfs", open: func() (*archive.Archive, error) { return l.rootfs, nil }})
	}
	diff := l.nestedLayer("rootfs-diff", rootfsDiff)
	diff.deleted = l.deleted
	return append(layers, diff)
}

func (l *loader) nestedLayer(name, tar string) Layer {
	return Layer{Name: name, open: func() (*archive.Archive, error) {
		a, err := l.nested.open(l.images, tar)
		return a, optional(err)
	}}
}
