package decoder

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// maxLayers bounds the layers that are opened: each may have to be expanded.
const maxLayers = 128

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
