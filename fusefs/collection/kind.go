package collection

import (
	"os"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Kind is what a directory is.
type Kind uint8

// The kinds of directories.
const (
	Other       Kind = iota // with nothing of what follows
	Checkpoint              // a checkpoint itself, by the names in it; it may have archives in it, too
	Archives                // a folder of archives, and maybe of directories that are checkpoints
	Directories             // a folder of such directories: many checkpoints, or the generations of one
)

// Kind tells what the directory is.
func (f *Folder) Kind() (Kind, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return Other, err
	}
	defer dir.Close()
	if marked(dir) {
		return Checkpoint, nil
	}
	kind := Other
	items, err := f.List()
	for _, item := range items {
		switch {
		case item.IsDir:
			kind = max(kind, Directories)
		case item.likeness == archive.Alike:
			return Archives, err
		}
	}
	return kind, err
}

// marks are the names at the top of a directory that is a checkpoint: what
// engines and CRIU write.
var marks = []string{
	"checkpoint", "pre-checkpoint", "config.dump", "spec.dump", // Podman, CRI-O, containerd
	"inventory.img", "pstree.img", "descriptors.json", // CRIU, runc
	"config.v2.json", "checkpoints", // Docker
	"oci-layout", "manifest.json", // OCI images
}

func marked(dir *os.File) bool {
	names, _ := dir.Readdirnames(-1)
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.Contains(marks, name) || strings.HasSuffix(name, ".img")
	})
}
