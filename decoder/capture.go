package decoder

import (
	"fmt"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Capture is what a checkpoint captured of the pages of a process or of a
// shared-memory object.
//
// Source: pagemap-<id>.img and the pages image that it names.
type Capture struct {
	Runs   []criu.PageRun // sorted, disjoint, on page borders
	Pages  *Image         // where the present ones are; nil where none is
	Bytes  int64          // of the present ones
	Parent *Capture       // what an incremental checkpoint refers to; nil where that is not to be had

	inherited inherited
}

// maxPageHoles bounds the holes of all pages images together, in bytes: whoever
// reads the memory of all processes reads them. CRIU itself makes them in the
// parents of a dump, for pages that were written to since (--auto-dedup).
const maxPageHoles = 256 << 30

// pagesImage is a pages image: its folder and its number.
type pagesImage struct {
	images
	id uint32
}

// capture decodes the pages of the process or object of that id, and as much
// of its parents as it refers to.
func (l *loader) capture(id string, pageSize int) (*Capture, error) {
	c, err := l.captureIn(l.images, id, pageSize)
	if err != nil {
		return nil, err
	}
	newest := c
	for _, parent := range l.parents {
		if parentPages(c.Runs) == 0 {
			return newest, nil
		}
		name := parent.name("pagemap-%s.img", id)
		older, err := l.captureIn(parent, id, pageSize)
		if err != nil {
			l.warn.Add(fmt.Errorf("in the parent checkpoint: %w", err))
			break
		}
		switch all, n := parentPages(c.Runs), unresolved(c.Runs, older.Runs, pageSize); {
		case n == all:
			l.warn.Addf("%s: none of the %d pages that are said to be there is: it is another checkpoint's", name, n)
			older = nil
		case n > 0:
			// They were mapped after the parent was taken, and not written
			// to since (CRIU pull request 2997).
			l.warn.Addf("%s: %d pages that are said to be there are not, and taken for untouched", name, n)
		}
		if older == nil {
			break
		}
		c.Parent, c = older, older
	}
	if n := parentPages(c.Runs); n > 0 {
		l.warn.Addf("%s: %d pages are in a parent checkpoint that is not here, and are absent (--parent)",
			l.name("pagemap-%s.img", id), n)
	}
	return newest, nil
}

// captureIn decodes the pages of one generation.
//
// The offsets of all pages follow from the sizes of the runs before them, so
// one wrong number would give wrong bytes for all that follow: the runs must
// add up to the pages image, or none of them is used.
func (l *loader) captureIn(im *images, id string, pageSize int) (*Capture, error) {
	name := im.name("pagemap-%s.img", id)
	member, err := im.image(name)
	if err != nil {
		return nil, err
	}
	m, err := criu.ReadPagemap(name, im.metered(member), member.Size())
	if err != nil {
		return nil, err
	}
	c := &Capture{Runs: l.sound(name, m.Runs, pageSize)}
	pagesName := im.name("pages-%d.img", m.PagesID)
	pages, err := im.image(pagesName)
	switch {
	case m.Present == 0:
		return c, nil
	case err != nil:
		return nil, err
	case l.claimed[pagesImage{*im, m.PagesID}] != "":
		// Images of dead processes, left from an earlier dump, name the pages
		// of living ones.
		return nil, fmt.Errorf("%s names %s, which is that of %s", name, pagesName, l.claimed[pagesImage{*im, m.PagesID}])
	case m.Present > uint64(pages.Size()) || m.Present*uint64(pageSize) != uint64(pages.Size()):
		return nil, fmt.Errorf("%s has %d pages of %d bytes, %s %d bytes", name, m.Present, pageSize, pagesName, pages.Size())
	}
	if l.holes += pages.Size() - pages.DataSize(); l.holes > maxPageHoles {
		return nil, fmt.Errorf("%s has %d bytes of holes, with which all pages images have more than %d", pagesName, pages.Size()-pages.DataSize(), int64(maxPageHoles))
	}
	l.claimed[pagesImage{*im, m.PagesID}] = name
	c.Bytes = pages.Size()
	c.Pages = &Image{ReaderAt: pages, Name: im.mountPath(pagesName)}
	return c, nil
}

// sound leaves out the page runs that no process can have: not on a page
// border, past the end of the address space, or not behind the one before.
func (l *loader) sound(name string, runs []criu.PageRun, pageSize int) []criu.PageRun {
	var end uint64
	kept := runs[:0]
	for i, r := range runs {
		if r.Addr%uint64(pageSize) != 0 || r.Addr < end || r.End(pageSize) < r.Addr {
			l.warn.Addf("%s: page run %d at %#x: impossible or overlapping range, left out", name, i, r.Addr)
			continue
		}
		end = r.End(pageSize)
		kept = append(kept, r)
	}
	return kept
}

// parentPages counts the pages that are in the parent.
func parentPages(runs []criu.PageRun) (n uint64) {
	for _, r := range runs {
		if r.InParent() {
			n += uint64(r.Pages)
		}
	}
	return n
}

// unresolved counts the pages that child looks for in parent and that parent
// does not list.
func unresolved(child, parent []criu.PageRun, pageSize int) uint64 {
	n := parentPages(child)
	for _, c := range child {
		if !c.InParent() {
			continue
		}
		end := c.End(pageSize)
		for len(parent) > 0 && parent[0].End(pageSize) <= c.Addr {
			parent = parent[1:]
		}
		for _, p := range parent {
			if p.Addr >= end {
				break
			}
			n -= (min(end, p.End(pageSize)) - max(c.Addr, p.Addr)) / uint64(pageSize)
		}
	}
	return n
}
