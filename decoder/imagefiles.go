package decoder

import (
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/imagejson"
)

// ImageFile is an image of CRIU as a member of the archive.
type ImageFile struct {
	// Path is its name; before it stands its folder, if that is not the one of
	// the checkpoint. It does not end in .img.
	Path string

	name string // of the member
	im   *images
}

// unsuffixed are the images whose names do not end in .img.
//
// Source: criu/stats.c:write_stats, criu/irmap.c.
var unsuffixed = []string{"irmap-cache", "stats-dump", "stats-restore"}

// ImageFiles lists the images in the archive, those of the checkpoint's folder
// before the others. Images of dead processes, which an earlier checkpoint left
// in the folder, and those of parents are among them. Pages images are not:
// they hold nothing but pages.
func (c *Checkpoint) ImageFiles() []ImageFile {
	im := c.loader.images
	var own, others []ImageFile
	for _, m := range im.archive.Members() {
		name, suffix := strings.CutSuffix(m.Name, ".img")
		base := path.Base(name)
		if m.Type != archive.TypeRegular || !suffix && !slices.Contains(unsuffixed, base) || suffix && strings.HasPrefix(base, "pages-") {
			continue
		}
		f := ImageFile{name, m.Name, im}
		if folder(m.Name) == im.dir {
			f.Path = base
			own = append(own, f)
		} else {
			others = append(others, f)
		}
	}
	return append(own, others...)
}

// WriteJSON writes the image as JSON; see [imagejson] for its form. The error
// names the image and the offset at which it is broken.
func (f ImageFile) WriteJSON(w io.Writer) error {
	m, err := f.im.image(f.name)
	if err != nil {
		return err
	}
	return imagejson.Write(w, imagejson.Image{ReaderAt: m, Size: m.Size(), Name: f.name, Source: f.im.mountPath(f.name)})
}
