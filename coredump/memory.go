package coredump

import (
	"iter"

	"github.com/ckptfs/ckptfs/decoder"
)

// Memory is what a core file needs of an address space. It does not change.
type Memory interface {
	// ReadMem fills p with the bytes at a. It reads fewer, n < len(p), only
	// with an error. It is safe for concurrent use.
	ReadMem(p []byte, a decoder.Addr) (n int, err error)

	// Runs yields the runs of r whose bytes are known, ascending and clipped
	// to r. The bool tells data (true) from holes (false), which are zeros
	// that were never touched; a hole too short to be worth it may pass for
	// data, but the answer for a byte is the same whatever r. Absent ranges
	// are not yielded.
	Runs(r decoder.Range) iter.Seq2[decoder.Range, bool]
}
