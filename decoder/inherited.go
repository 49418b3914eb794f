package decoder

import (
	"sync"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// InheritedRun is a page run of a parent, or a part of one.
type InheritedRun struct {
	criu.PageRun
	Src *Image // where the pages are; nil where they are not to be had
}

// inherited is what a capture inherits, once somebody has asked.
type inherited struct {
	once sync.Once
	runs []InheritedRun
}

// Inherited is what the parents of c have, as one list: sorted, disjoint, and
// without what a parent refers to and its own parent does not list. Pages are
// of pageSize bytes. It is made when it is first asked for, so that to find a
// page does not mean to look for it in each parent.
func (c *Capture) Inherited(pageSize int) []InheritedRun {
	c.inherited.once.Do(func() {
		var chain []*Capture
		for p := c.Parent; p != nil; p = p.Parent {
			chain = append(chain, p)
		}
		if len(chain) > 0 {
			c.inherited.runs = resolve(chain, pageSize)
		}
	})
	return c.inherited.runs
}

// resolve makes one list of the runs of a chain, of which the newest is first.
// Halving it, each run is gone through as often as the chain can be halved,
// and not as often as it is long.
func resolve(chain []*Capture, pageSize int) []InheritedRun {
	if half := len(chain) / 2; half > 0 {
		return overlay(resolve(chain[:half], pageSize), resolve(chain[half:], pageSize), pageSize)
	}
	list := make([]InheritedRun, 0, len(chain[0].Runs))
	for _, run := range chain[0].Runs {
		r := InheritedRun{PageRun: run}
		if run.Flags&criu.PagePresent != 0 {
			r.Src = chain[0].Pages
		}
		list = append(list, r)
	}
	return list
}

// overlay is newer with the parts of older in place of the runs that refer to
// the parent.
func overlay(newer, older []InheritedRun, pageSize int) []InheritedRun {
	list := make([]InheritedRun, 0, len(newer)+len(older))
	for _, n := range newer {
		if !n.InParent() {
			list = append(list, n)
			continue
		}
		end := n.End(pageSize)
		for len(older) > 0 && older[0].End(pageSize) <= n.Addr {
			older = older[1:]
		}
		for _, o := range older {
			if o.Addr >= end {
				break
			}
			list = append(list, o.within(n.Addr, end, pageSize))
		}
	}
	return list
}

// within is the part of r between two addresses.
func (r InheritedRun) within(start, end uint64, pageSize int) InheritedRun {
	start, end = max(start, r.Addr), min(end, r.End(pageSize))
	r.Index += (start - r.Addr) / uint64(pageSize)
	r.Addr, r.Pages = start, uint32((end-start)/uint64(pageSize))
	return r
}
