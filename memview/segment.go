package memview

import (
	"fmt"

	"github.com/ckptfs/ckptfs/decoder"
)

// Kind says where the bytes of a segment come from.
type Kind uint8

// The kinds of segments.
const (
	Absent    Kind = iota // mapped, and its bytes nowhere to be had
	Zero                  // never touched: reads as zeros, as it did in the process
	File                  // the mapped file
	Shared                // a shared-memory pagemap
	Inherited             // a parent checkpoint's pages image
	Captured              // this checkpoint's pages image
)

var kindNames = [...]string{"absent", "zero", "file", "shared", "inherited", "captured"}

// String is the name of the kind as mem.idx has it.
func (k Kind) String() string { return kindNames[k] }

// Known tells whether the bytes of a segment of this kind can be read.
func (k Kind) Known() bool { return k != Absent }

// Stored tells whether the bytes are stored somewhere: data, as opposed to a
// hole.
func (k Kind) Stored() bool { return k > Zero }

// Segment is a range of addresses within one VMA whose bytes have one source.
type Segment struct {
	decoder.Range
	VMA  *decoder.VMA
	Src  *decoder.Image // nil for zero and absent segments
	Off  int64          // of Start in Src, in bytes
	Kind Kind
}

// continues tells whether s is the immediate continuation of p, so that one
// segment can stand for both.
func (s Segment) continues(p Segment) bool {
	return s.Start == p.End && s.VMA == p.VMA && s.Kind == p.Kind && s.Src == p.Src &&
		(s.Src == nil || s.Off == p.Off+int64(p.Len()))
}

// Fault is the error of reading where there is nothing to read.
//
//nolint:errname // it is what the processor calls it
type Fault struct {
	Addr   decoder.Addr
	Mapped bool // the address is mapped, but its bytes are not in the checkpoint
}

func (f *Fault) Error() string {
	if f.Mapped {
		return fmt.Sprintf("%v: not in the checkpoint", f.Addr)
	}
	return fmt.Sprintf("%v: not mapped", f.Addr)
}
