// Package memview presents the memory of a checkpointed process as one
// address space, whatever the number of places its bytes lie in.
//
// An [AddressSpace] is a sequence of segments, ascending and disjoint, each
// with one source. It is not kept as a list: where an address gets its bytes
// from is found by asking one layer after the other, the newest first
// (layers.go has the order, and is the whole policy).
//
//	captured       [ccc]   [cc]        [ccccc]
//	file                           [ffffffff     ]
//	untouched [zzzzzzzzzzzzzzzzzz][aaaaaaaaaaaaaaa]   z zero, a absent
//	mappings  [ anonymous        ][ file          ]
//	segments  [zzzz|ccc|zzz|cc|zz][fff|ccccc|f|aaa]
//
// So an address space costs nothing to make and to hold, whatever the number
// of mappings and page runs; only what a chain of parents has is made into one
// list, when it is first asked for. Reading is a few binary searches and one
// ReadAt a segment, without locks and without allocation. What is nowhere to be had is
// a [Fault], never zeros.
package memview
