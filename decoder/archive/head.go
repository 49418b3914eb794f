package archive

import (
	"bytes"
	"io"
)

// How much of a tar is looked at for its first members, in bytes, and how much
// may be expanded for that: an empty piece of a compressed stream takes room, too.
const (
	maxHead       = 64 << 10
	maxPackedHead = 1 << 20
)

// FolderOf is [Archive.Folder] of a tar of that size, plain or compressed, without
// opening it: whoever writes that folder writes it first. It is nil where the head
// of the tar does not have it, or cannot be read.
func FolderOf(r io.ReaderAt, size int64) *Member {
	form, err := sniff(r)
	if err != nil {
		return nil
	}
	var content io.Reader = io.NewSectionReader(r, 0, min(size, maxPackedHead))
	if form.expand != nil {
		if content, err = form.expand(content); err != nil {
			return nil
		}
		if c, ok := content.(io.Closer); ok {
			defer c.Close()
		}
	}
	head, _ := io.ReadAll(io.LimitReader(content, maxHead)) // what there is before an error serves
	return indexTar(bytes.NewReader(head), int64(len(head)), maxMemory).folder
}
