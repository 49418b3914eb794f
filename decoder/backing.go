package decoder

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Backing is the bytes of a file that processes map: where those of its pages
// come from that no process wrote to.
type Backing struct {
	Image
	Size      int64      // bytes of the file
	Fragments []Fragment // sorted, disjoint; what lies between them is zeros
}

// Fragment is a piece of a file: Len bytes at Off in the file, at At in the
// image.
type Fragment struct{ Off, Len, At int64 }

// back looks for the bytes of a file, once. They are used only where they
// match all that CRIU recorded of the file: another file of the same name
// would give wrong bytes.
func (l *loader) back(f *File) {
	if f.looked {
		return
	}
	f.looked = true
	b, err := l.find(f)
	if err == nil && b != nil {
		err = f.matches(b)
		f.Refused = err != nil
	}
	if err != nil {
		l.warn.Addf("mapped file %q: %w: its pages are absent", f.Path, err)
		return
	}
	f.Backing = b
}

// find finds the file that a path means: in the mount that it was opened on,
// since the same path may lead to another file in another mount. It is nil
// where the checkpoint does not have it.
func (l *loader) find(f *File) (*Backing, error) {
	m := l.mounts[f.MountID]
	switch {
	case f.ghost != 0:
		_, b, err := l.ghostFile(f.ghost)
		return b, err
	case f.Deleted:
		return nil, nil
	case len(l.mounts) == 0:
		m = rootMount
	case m == nil:
		return nil, nil
	}
	name := rootRelative(strings.TrimPrefix(path.Clean("/"+f.Path), m.Point))
	for _, layer := range slices.Backward(l.layers(m)) {
		files, err := layer.open()
		if err != nil {
			return nil, err
		}
		if files.Archive != nil {
			b := memberBacking(files.Lookup(path.Join(layer.Dir, name)), path.Join(layer.Name, name))
			if files.Archive == l.rootfs {
				l.rootfsAsked, l.rootfsHad = true, l.rootfsHad || b != nil
			}
			if b != nil {
				return b, nil
			}
		}
		if files.deleted.has(name) {
			return nil, nil
		}
		if !files.whole() {
			return nil, fmt.Errorf("%s is not known in full and may have had another", layer.Name)
		}
	}
	return nil, nil
}

// checkRootfs warns where the image that was given is of no use: most likely
// it is another container's, or the files of the image lie deeper in it.
func (l *loader) checkRootfs() {
	if l.rootfsAsked && !l.rootfsHad {
		l.warn.Addf("--rootfs: it has none of the mapped files that were looked for in it")
	}
}

func memberBacking(m *archive.Member, at string) *Backing {
	if m == nil || m.Type != archive.TypeRegular {
		return nil
	}
	return &Backing{Image{m, at}, m.Size(), []Fragment{{0, m.Size(), 0}}}
}

// matches holds a file against what CRIU recorded of it.
func (f *File) matches(b *Backing) error {
	switch {
	case f.Size >= 0 && f.Size != b.Size:
		return fmt.Errorf("%s has %d bytes and not %d", b.Name, b.Size, f.Size)
	case f.Sum:
		// How the checksum was taken is not known well enough to repeat it.
		return fmt.Errorf("%s cannot be held against its checksum", b.Name)
	case f.BuildID != nil:
		id, err := elfBuildID(b)
		if err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		if padding := make([]byte, -len(id)&3); !bytes.Equal(slices.Concat(id, padding), f.BuildID) {
			return fmt.Errorf("%s is another build: build-id %x and not %x", b.Name, id, f.BuildID)
		}
	}
	return nil
}

// Content is the file, holes included.
func (b *Backing) Content() *archive.Member {
	pieces := make([]archive.Piece, 0, len(b.Fragments))
	for _, f := range b.Fragments {
		if f.Len > 0 {
			pieces = append(pieces, archive.Piece{Off: f.Off, End: f.Off + f.Len, At: f.At})
		}
	}
	return archive.Assemble(b.Name, b.ReaderAt, b.Size, pieces)
}
