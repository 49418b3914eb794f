// Package criu reads the images that CRIU writes: their framing, and the
// page index of a process. What an image says is left to the caller.
//
// An image is a magic and a row of entries, all integers little-endian:
//
//	offset  size
//	0       4     MagicCommon or MagicService; left out by inventory.img and
//	              in images of version 1
//	4       4     the magic of the image's type
//	8       4     size n of the first entry
//	12      n     the entry, a protobuf message
//	12+n    4     size of the second entry, and so on to the end of the file
//
// A few images have raw bytes behind each entry, its payload; the entry says
// how many. Images without entries are not written at all, so that a missing
// image of such a type means the same as an empty one.
//
// Source: criu/image.c:img_check_magic, criu/protobuf.c:do_pb_read_one.
package criu
