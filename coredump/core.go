package coredump

import (
	"errors"
	"io"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
)

// Core is the ELF core file of a process. It implements [io.ReaderAt], does
// not change, and is safe for concurrent use.
type Core struct {
	mem      Memory
	headSize int64         // bytes; a multiple of the page size
	head     func() []byte // encoded at the first call
	parts    []part        // sorted by address and by offset
	tailOff  int64         // end of the parts
	tail     []byte        // section header of PN_XNUM; mostly empty
	dataSize int64         // bytes not in holes
}

// New lays out the core file of p, whose memory is mem. It reads no memory,
// so its cost is in the number of VMAs and runs, not of bytes.
//
// The error is [ErrNoMemory] for a process without memory, and an
// [*UnsupportedError] for one whose registers or memory no core file can
// hold. The file of a 32-bit process ends below 4 GiB.
//
// Threads whose registers are not in the checkpoint are left out.
func New(p *decoder.Process, mem Memory) (*Core, error) {
	if p.MM == nil {
		return nil, ErrNoMemory
	}
	threads, err := threadsOf(p)
	if err != nil {
		return nil, err
	}
	parts, data, err := known(p.MM.VMAs, mem)
	if err != nil {
		return nil, err
	}
	n := notes{process: p, threads: threads}
	page := int64(p.MM.PageSize)
	h := headers{machine: threads[0].machine(), parts: parts, noteSize: len(n.appendTo(nil)), page: page}
	headSize := roundUp(int64(h.size()+h.noteSize), page)
	tailOff, err := place(parts, threads[0].class(), headSize, page)
	if err != nil {
		return nil, err
	}
	h.end = tailOff
	tail := h.appendTail(nil)
	head := func() []byte {
		n.args = readArgs(mem, p.MM)
		b := h.appendTo(make([]byte, 0, headSize))
		b = n.appendTo(b)
		return padTo(b, int(headSize))
	}
	return &Core{
		mem:      mem,
		headSize: headSize,
		head:     sync.OnceValue(head),
		parts:    parts,
		tailOff:  tailOff,
		tail:     tail,
		dataSize: headSize + data + int64(len(tail)),
	}, nil
}

// Size is the number of bytes of the core file, holes included.
func (c *Core) Size() int64 { return c.tailOff + int64(len(c.tail)) }

var errNegative = errors.New("negative offset")

// ReadAt reads len(p) bytes of the core file from the offset off on, as
// [io.ReaderAt] demands. Errors other than io.EOF and that of a negative
// offset are the memory's. It takes no lock and allocates nothing, but for
// the first read of the head.
func (c *Core) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errNegative
	}
	for n < len(p) && err == nil {
		var m int
		m, err = c.readPiece(p[n:], off+int64(n))
		n += m
	}
	return n, err
}

// readPiece reads what p has room for of the piece of the file at off: the
// head, a part or the tail.
func (c *Core) readPiece(p []byte, off int64) (int, error) {
	switch {
	case off < c.headSize:
		return copy(p, c.head()[off:]), nil
	case off < c.tailOff:
		part := &c.parts[c.find(off)]
		if off < part.off { // between two parts of a page
			n := min(int64(len(p)), part.off-off)
			clear(p[:n])
			return int(n), nil
		}
		n := min(int64(len(p)), part.end()-off)
		return c.mem.ReadMem(p[:n], part.addr(off))
	case off < c.Size():
		return copy(p, c.tail[off-c.tailOff:]), nil
	default:
		return 0, io.EOF
	}
}
