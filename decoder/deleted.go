package decoder

import (
	"path"
	"slices"
	"strings"
)

// deletedFiles are the paths that the container deleted from its root file
// system.
//
// Sources: deleted.files, a JSON list that Podman and CRI-O write; the marks
// in an image layer, which is what containerd saves.
type deletedFiles struct {
	paths  []string // as the engine lists them
	sorted []string // the same in the form "a/b/", without those below another
	lost   bool     // the engine's list cannot be read
}

// deletedFilesName is the engine's list.
const deletedFilesName = "deleted.files"

func (l *loader) loadDeletedFiles() deletedFiles {
	var paths []string
	if !l.metadata(deletedFilesName, &paths) {
		return deletedFiles{lost: l.member(path.Join(l.source.top, deletedFilesName)) != nil}
	}
	return newDeletedFiles(paths)
}

func newDeletedFiles(paths []string) deletedFiles {
	d := deletedFiles{paths: paths}
	var all []string
	for _, p := range paths {
		if name := rootRelative(p); name != "" { // the root itself is there
			all = append(all, name+"/")
		}
	}
	slices.Sort(all)
	for _, name := range all {
		if n := len(d.sorted); n == 0 || !strings.HasPrefix(name, d.sorted[n-1]) {
			d.sorted = append(d.sorted, name)
		}
	}
	return d
}

// has tells whether a path below the root, or a folder that it was in, was
// deleted. It takes one search, for a name can be in two thousand folders: what
// is sorted behind a folder and not behind the name is below that folder.
func (d deletedFiles) has(name string) bool {
	name += "/"
	i, _ := slices.BinarySearch(d.sorted, name)
	return i < len(d.sorted) && d.sorted[i] == name || i > 0 && strings.HasPrefix(name, d.sorted[i-1])
}

// rootRelative is an absolute path without what it may have of "//", "..",
// or a "/" at its ends.
func rootRelative(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
