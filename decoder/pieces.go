package decoder

import (
	"cmp"
	"slices"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// maxPieces bounds the pieces of files and of shared memory in all mappings
// together, which is how long it takes to go through all memory: a hostile
// archive can map a file of a million pieces a million times.
const maxPieces = 16 << 20

// countPieces adds up the pieces that a mapping shows of what it maps. It is
// false where there are too many.
func (l *loader) countPieces(v *VMA, pageSize int) bool {
	object, left, n := Range{Addr(v.PgOff), Addr(v.PgOff) + Addr(v.Len())}, maxPieces-l.pieces, 0
	if v.Shared != nil {
		for c := v.Shared.Capture; c != nil && n <= left; c = c.Parent {
			n += 1 + piecesIn(c.Runs, object, func(r criu.PageRun) Range { return Range{Addr(r.Addr), Addr(r.End(pageSize))} })
		}
	}
	if v.File != nil && v.File.Backing != nil {
		n += piecesIn(v.File.Backing.Fragments, object, func(f Fragment) Range { return Range{Addr(f.Off), Addr(f.Off + f.Len)} })
	}
	l.pieces += min(n, left)
	return n <= left
}

// piecesIn is how many of sorted and disjoint pieces lie in r, wholly or in part.
func piecesIn[P any](pieces []P, r Range, of func(P) Range) int {
	first, _ := slices.BinarySearchFunc(pieces, r.Start, func(p P, a Addr) int { return cmp.Compare(of(p).End, a+1) })
	behind, _ := slices.BinarySearchFunc(pieces, r.End, func(p P, a Addr) int { return cmp.Compare(of(p).Start, a) })
	return max(behind-first, 0)
}
