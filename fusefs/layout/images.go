package layout

import (
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// images is images/: each image as JSON. One that does not stand in the
// checkpoint's own folder of the archive stands in the same folder here.
func (b *builder) images() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		root := new(imageFolder)
		for _, f := range b.ck.ImageFiles() {
			if !root.add(f) {
				b.ck.Warnings.Addf("images/%s.json: something else has that name, and it is left out", f.Path)
			}
		}
		return b.imageEntries("images", root), nil
	})
}

// imageFolder is a folder of images in the making.
type imageFolder struct {
	folders map[string]*imageFolder
	files   map[string]decoder.ImageFile
}

// add puts an image at its place, and tells whether that was free.
func (d *imageFolder) add(f decoder.ImageFile) bool {
	dir, name := path.Split(f.Path)
	for component := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if component == "" {
			break
		}
		if _, taken := d.files[component]; taken {
			return false
		}
		if d.folders == nil {
			d.folders = make(map[string]*imageFolder)
		}
		if d.folders[component] == nil {
			d.folders[component] = new(imageFolder)
		}
		d = d.folders[component]
	}
	name += ".json"
	if _, taken := d.files[name]; taken || d.folders[name] != nil {
		return false
	}
	if d.files == nil {
		d.files = make(map[string]decoder.ImageFile)
	}
	d.files[name] = f
	return true
}

// imageEntries lists a folder, which stands at that path of the mount.
func (b *builder) imageEntries(at string, d *imageFolder) []tree.Entry {
	var entries []tree.Entry
	for name, below := range d.folders {
		entries = append(entries, tree.Entry{Name: name, Node: tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
			return b.imageEntries(path.Join(at, name), below), nil
		})})
	}
	for name, f := range d.files {
		entries = append(entries, tree.Entry{Name: name, Node: b.text(path.Join(at, name), f.WriteJSON)})
	}
	return sorted(entries)
}
