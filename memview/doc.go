// Package memview presents the memory of a checkpointed process as one
// address space, whatever the number of places its bytes lie in.
//
// An [AddressSpace] is a list of segments, sorted and disjoint, each with one
// source. It is made by painting: the mappings lay down what their untouched
// pages are, and each place that has bytes paints over what lies below it
// (paint.go has the order, and is the whole policy).
//
//	mappings  [ anonymous        ][ file          ]
//	          [zzzzzzzzzzzzzzzzzz][aaaaaaaaaaaaaaa]   z zero, a absent
//	captured       [ccc]   [cc]        [ccccc]
//	result    [zzzz|ccc|zzz|cc|zz][aaaa|ccccc|aaaa]
//
// Reading is a binary search and one ReadAt a segment, without locks and
// without allocation. What is nowhere to be had is a [Fault], never zeros.
package memview
