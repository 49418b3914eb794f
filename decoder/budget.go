package decoder

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// budget is how many bytes of images may still be decoded; pages and payloads
// are not decoded. A compressed archive of some KB can hold gigabytes of
// messages, and so can a tar with holes in it. A message that takes more memory
// than bytes counts with what it takes.
type budget struct{ left atomic.Int64 }

// newBudget is that of an archive and its parents: what small ones may have in
// any case, and more than messages compress.
func newBudget(a *archive.Archive, parents []*archive.Archive) *budget {
	const always, ratio, largest = 256 << 20, 64, 1 << 40
	b := new(budget)
	b.left.Store(always + ratio*min(a.Size(), largest))
	for _, p := range parents {
		b.left.Add(ratio * min(p.Size(), largest))
	}
	return b
}

// take takes n bytes out of the budget, or none where there are fewer: what is
// smaller can still be decoded.
func (b *budget) take(n int64) error {
	for {
		left := b.left.Load()
		if n > left {
			return errTooMuch
		}
		if b.left.CompareAndSwap(left, left-n) {
			return nil
		}
	}
}

var errTooMuch = errors.New("the images expand to more than can be decoded of so small an archive")

// metered is an image whose bytes come out of a budget.
type metered struct {
	io.ReaderAt
	*budget
}

func (m metered) ReadAt(p []byte, off int64) (int, error) {
	if err := m.take(int64(len(p))); err != nil {
		return 0, err
	}
	return m.ReaderAt.ReadAt(p, off)
}
