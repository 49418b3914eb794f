package decoder

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// folders are the checkpoints whose images are members of the archive itself:
// what Podman, CRI-O and Kubernetes export, the folder of a Docker container,
// what CRIU, runc or crun wrote. They are found by their pstree.img, which in a
// chain of incremental dumps only the last has.
//
// Without a pstree.img the folder of inventory.img will do, since that is all
// that a pre-dump or a damaged archive may have.
func (f *finder) folders() ([]*source, error) {
	for _, name := range []string{"pstree.img", "inventory.img"} {
		var list []*source
		for _, m := range f.archive.archive.Members() {
			if path.Base(m.Name) == name && m.Type == archive.TypeRegular {
				list = append(list, f.inFolder(folder(m.Name)))
			}
		}
		if len(list) > 0 {
			return list, nil
		}
	}
	// A cut may have taken both away.
	for _, m := range f.archive.archive.Members() {
		if strings.HasSuffix(m.Name, ".img") {
			return []*source{f.inFolder(folder(m.Name))}, nil
		}
	}
	return nil, &NotCheckpointError{"no checkpoint: it has no CRIU images (no pstree.img, no inventory.img)"}
}

// inFolder is the checkpoint whose images are in that folder. Engines put them
// into checkpoint/ beside their metadata, Docker into checkpoints/NAME.
func (f *finder) inFolder(dir string) *source {
	im := *f.archive
	im.dir = dir
	s := &source{images: &im, outer: f.archive, names: []string{cmp.Or(dir, ".")}}
	parent, base := folder(dir), path.Base(dir)
	container := folder(parent)
	switch {
	case base == "checkpoint" || base == "pre-checkpoint":
		s.top = parent
	case path.Base(parent) == "checkpoints" && im.member(path.Join(container, dockerConfig)) != nil:
		s.form, s.top = "Docker container", container
		s.facts = append(s.facts, (*loader).dockerFacts)
	}
	s.diff = s.engineTar("rootfs-diff.tar")
	return s
}

// isWhole tells whether the images are more than a remnant: there is what
// every dump and every pre-dump has.
func (s *source) isWhole() bool {
	im := s.images
	return im.member(im.name("pstree.img")) != nil || im.member(im.name("inventory.img")) != nil
}

// PreCheckpoint is the form of a checkpoint that has no processes.
const PreCheckpoint = "pre-checkpoint"

// errPreDump says why a checkpoint has no processes.
var errPreDump = errors.New("a pre-checkpoint: it has pages, and not the processes that they belong to; " +
	"mount the checkpoint that was taken after it, and give this one with --parent")

// isPreDump tells whether the images are those of a pre-dump: pages, and
// nothing of the tasks that they belong to.
//
// Source: criu/cr-dump.c:cr_pre_dump_tasks.
func (im *images) isPreDump() bool {
	return im.member(im.name("pstree.img")) == nil && im.member(im.name("inventory.img")) != nil &&
		len(im.matching("pagemap-*.img")) > 0 && len(im.matching("core-*.img")) == 0
}

// preferred leaves of several folders the one that is meant: checkpoint/ is
// what engines write, and the top is where CRIU's images alone stand.
func (f *finder) preferred(list []*source) []*source {
	for _, dir := range []string{"checkpoint", ""} {
		i := slices.IndexFunc(list, func(s *source) bool { return s.images.archive == f.archive.archive && s.images.dir == dir })
		if i >= 0 {
			return list[i : i+1]
		}
	}
	return list
}

// folder is the folder of a member; "" is the top.
func folder(name string) string {
	dir, _ := path.Split(name)
	return strings.TrimSuffix(dir, "/")
}
