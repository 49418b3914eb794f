package fusefs

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

type fileNode struct {
	node
	file tree.File
}

// Open tells the kernel how to read the file. A flush at each close would
// only cost a request, as there is never anything to flush.
func (f *fileNode) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if err := f.in.use(); err != nil {
		return nil, 0, errno(err)
	}
	c, err := f.file.Content()
	if err != nil {
		return nil, 0, errno(err)
	}
	if _, memory := c.(tree.Memory); memory {
		return &memoryHandle{handle{c}}, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, ok
	}
	if _, volatile := f.file.(tree.Volatile); volatile {
		return &handle{c}, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, ok
	}
	return &handle{c}, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, ok
}

// A handle is an open file. It is immutable, as its content is.
type handle struct{ content tree.Content }

// Read replies with all that was asked for, or all up to the end of the file,
// or with an error; never with less.
func (h *handle) Read(_ context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	rest := h.content.Size() - off
	if rest <= 0 {
		return fuse.ReadResultData(nil), ok
	}
	buf = buf[:min(rest, int64(len(buf)))]
	if n, _ := h.content.ReadAt(buf, off); n < len(buf) {
		return nil, errShort // whatever the error is, io.EOF too
	}
	return fuse.ReadResultData(buf), ok
}

// Lseek serves SEEK_DATA and SEEK_HOLE; the kernel does the others itself.
func (h *handle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	e, sparse := h.content.(tree.Extents)
	if !sparse {
		e = dense{h.content}
	}
	seek := e.NextData
	if whence == unix.SEEK_HOLE {
		seek = e.NextHole
	}
	next, err := seek(int64(off))
	if errors.Is(err, io.EOF) {
		return 0, errNoSuchOffset
	}
	return uint64(next), errno(err)
}

// dense gives the extents of a content without holes.
type dense struct{ tree.Content }

func (d dense) NextData(off int64) (int64, error) {
	if off >= d.Size() {
		return 0, io.EOF
	}
	return off, nil
}

func (d dense) NextHole(off int64) (int64, error) {
	if off >= d.Size() {
		return 0, io.EOF
	}
	return d.Size(), nil
}

func (d dense) DataSize() int64 { return d.Size() }

// A memoryHandle is an open [tree.Memory].
type memoryHandle struct{ handle }

// Read replies as /proc/pid/mem does: with the bytes before the first that is
// not there, and with EIO where that is the very first.
func (h *memoryHandle) Read(_ context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n, err := h.content.ReadAt(buf, off)
	if n == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, errno(err)
	}
	return fuse.ReadResultData(buf[:n]), ok
}
