package decoder

import (
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// layerFiles are the files of a layer of a file system, and what it takes away
// of the layers below.
type layerFiles struct {
	*archive.Archive // nil where there are none
	deleted          deletedFiles
	lost             bool // there may have been files
}

// whole tells whether it is known of each name if the layer has it.
func (f layerFiles) whole() bool { return !f.lost && (f.Archive == nil || f.Complete()) }

// The marks of an image layer: an empty file of this prefix stands for the
// deletion of what has the rest of its name; one of that name, for that of all
// that the layers below have in its folder.
//
// Source: image-spec, layer.md, "Whiteouts".
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// takeWhiteouts takes the marks of deletions out of an image layer. What only
// looks like one stays a file: one with content, or without a name behind the
// prefix.
func takeWhiteouts(a *archive.Archive) layerFiles {
	var paths []string
	files := a.Without(func(m *archive.Member) bool {
		dir, base := path.Split(m.Name)
		name, marked := strings.CutPrefix(base, whiteoutPrefix)
		switch {
		case !marked || name == "" || m.Type != archive.TypeRegular || m.Size() > 0:
			return false
		case base == whiteoutOpaque && dir == "":
			return false // the root is never deleted
		case base == whiteoutOpaque:
			paths = append(paths, path.Clean("/"+dir))
		case strings.HasPrefix(name, whiteoutPrefix) || name == "." || name == "..":
			return false
		default:
			paths = append(paths, "/"+dir+name)
		}
		return true
	})
	return layerFiles{Archive: files, deleted: newDeletedFiles(paths)}
}
