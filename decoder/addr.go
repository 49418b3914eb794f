package decoder

import "fmt"

// Addr is a virtual address in a checkpointed process.
type Addr uint64

// String gives a as the kernel and gdb print it: 0x7ffc7b51e000.
func (a Addr) String() string { return fmt.Sprintf("%#x", uint64(a)) }

// Range is the half-open range of addresses [Start, End). End is never below
// Start, so a range cannot reach past the top of the address space.
type Range struct{ Start, End Addr }

// Len is the number of bytes in r.
func (r Range) Len() uint64 { return uint64(r.End - r.Start) }

// Contains tells whether a lies in r.
func (r Range) Contains(a Addr) bool { return r.Start <= a && a < r.End }

// Intersect is the part of r that lies in s as well; it has length 0 where
// the two do not overlap.
func (r Range) Intersect(s Range) Range {
	i := Range{max(r.Start, s.Start), min(r.End, s.End)}
	if i.End < i.Start {
		i.End = i.Start
	}
	return i
}

// String gives r as /proc/pid/maps does: 7ffc7b51e000-7ffc7b53f000.
func (r Range) String() string { return fmt.Sprintf("%08x-%08x", uint64(r.Start), uint64(r.End)) }
