package decoder

import (
	"path"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// findParents follows the chain of parents of an incremental checkpoint, the
// nearest first. The link "parent" beside the images leads to the next: in
// the same archive, where CRIU wrote one folder beside the other, or else in
// the next of the archives that were given.
//
// Source: criu/include/image.h:CR_PARENT_LINK, criu/image.c:open_parent.
func (l *loader) findParents(given []*archive.Archive) []*images {
	var chain []*images
	seen := map[images]bool{*l.images: true}
	for im := l.images; ; im = chain[len(chain)-1] {
		link := im.archive.Lookup(path.Join(im.dir, "parent"))
		if link == nil {
			break
		}
		next := im.parent(link)
		if next == nil && len(given) > 0 {
			next = givenParent(given[0], path.Base(link.Target), l.budget)
			if next == nil {
				l.warn.Addf("--parent: no folder with images in it")
			}
			given = given[1:]
		}
		if next == nil {
			// What refers to it says so.
			break
		}
		if seen[*next] {
			l.warn.Addf("%s: the chain of parents leads back to %q, and ends here", link.Name, next.dir)
			break
		}
		seen[*next] = true
		if len(chain) == maxParents {
			l.warn.Addf("%s: a chain of more than %d parents, which ends here", link.Name, maxParents)
			break
		}
		chain = append(chain, next)
	}
	if len(given) > 0 {
		l.warn.Addf("--parent: %d more than the checkpoint refers to", len(given))
	}
	return chain
}

// maxParents is more generations than anybody takes.
const maxParents = 1000

// parent is the folder that a member named parent stands for, if the archive
// has it.
func (im *images) parent(link *archive.Member) *images {
	dir := link.Name
	if link.Type == archive.TypeSymlink {
		if path.IsAbs(link.Target) {
			return nil // a folder of the machine that was dumped
		}
		dir = path.Join("/", im.dir, link.Target)[1:]
	}
	next := &images{archive: im.archive, dir: dir, mount: im.mount, budget: im.budget}
	if next.member(next.name("inventory.img")) == nil {
		return nil
	}
	return next
}

// givenParent finds the images in an archive that was given as parent: in the
// folder of that name, as Podman has it, or wherever they are.
func givenParent(a *archive.Archive, name string, b *budget) *images {
	for _, dir := range []string{name, "pre-checkpoint", "checkpoint", ""} {
		if im := (&images{archive: a, dir: dir, budget: b}); im.member(im.name("inventory.img")) != nil {
			return im
		}
	}
	for _, m := range a.Members() {
		if path.Base(m.Name) == "inventory.img" {
			return &images{archive: a, dir: folder(m.Name), budget: b}
		}
	}
	return nil
}
