package layout

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// sorted puts entries into the order of their names.
func sorted(entries []tree.Entry) []tree.Entry {
	slices.SortFunc(entries, func(a, b tree.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

// byNumber puts entries into the order of their numbers, as the kernel lists
// /proc, behind those that have none.
func byNumber(entries []tree.Entry) []tree.Entry {
	number := func(e tree.Entry) int {
		n, err := strconv.Atoi(e.Name)
		if err != nil {
			return -1
		}
		return n
	}
	slices.SortStableFunc(sorted(entries), func(a, b tree.Entry) int { return cmp.Compare(number(a), number(b)) })
	return entries
}

// readable is a content whose failing reads become warnings: what the mount
// answers with EIO stands there with its reason.
type readable struct {
	tree.Content
	warnings *decoder.Warnings
}

func (r readable) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.Content.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		r.warnings.Add(err)
	}
	return n, err
}

// sparse is a readable content with holes.
type sparse struct {
	readable
	tree.Extents
}

// member is the content of a member of the archive.
func (b *builder) member(m *archive.Member) tree.Content {
	return sparse{readable{m, b.ck.Warnings}, m}
}

// mem is the content of procs/<pid>/mem. To ask for an address where nothing
// is, is no failure of the checkpoint and makes no warning.
type mem struct {
	memview.Mem
	warnings *decoder.Warnings
}

func (m mem) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.Mem.ReadAt(p, off)
	if fault := (*memview.Fault)(nil); err != nil && !errors.As(err, &fault) {
		m.warnings.Add(err)
	}
	return n, err
}
