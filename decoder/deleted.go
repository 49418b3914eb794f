package decoder

import (
	"path"
	"strings"
)

// deletedFiles are the paths that the container deleted from its root file
// system.
//
// Sources: deleted.files, a JSON list that Podman and CRI-O write; the marks
// in an image layer, which is what containerd saves.
type deletedFiles struct {
	paths []string        // as the engine lists them
	set   map[string]bool // the same, clean and without the leading "/"
}

// deletedFilesName is the engine's list.
const deletedFilesName = "deleted.files"

func (l *loader) loadDeletedFiles() deletedFiles {
	var paths []string
	if !l.metadata(deletedFilesName, &paths) {
		return deletedFiles{}
	}
	return newDeletedFiles(paths)
}

func newDeletedFiles(paths []string) deletedFiles {
	d := deletedFiles{paths, make(map[string]bool)}
	for _, p := range d.paths {
		d.set[rootRelative(p)] = true
	}
	delete(d.set, "") // an entry "/" or "": the root itself is there
	return d
}

// has tells whether a path below the root, or a folder that it was in, was
// deleted.
func (d deletedFiles) has(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if d.set[name] {
			return true
		}
	}
	return false
}

// rootRelative is an absolute path without what it may have of "//", "..",
// or a "/" at its ends.
func rootRelative(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
