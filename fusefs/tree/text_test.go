package tree_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// A text is what was written, wherever its blocks end.
func TestTextContent(t *testing.T) {
	const block = 256 << 10
	for _, size := range []int{0, 1, block - 1, block, block + 1, 3 * block, 3*block + 7} {
		want := make([]byte, size)
		rand.New(rand.NewSource(int64(size))).Read(want)
		file := tree.Text(fileAttr, func(w io.Writer) error {
			for b := want; len(b) > 0; b = b[min(len(b), 1009):] {
				if _, err := w.Write(b[:min(len(b), 1009)]); err != nil {
					return err
				}
			}
			return nil
		})
		c, err := file.Content()
		if err != nil {
			t.Fatal(err)
		}
		if c.Size() != int64(size) {
			t.Errorf("%d bytes: Size() = %d", size, c.Size())
		}
		if err := iotest.TestReader(io.NewSectionReader(c, 0, c.Size()), want); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if n, err := c.ReadAt(make([]byte, 1), c.Size()); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes: ReadAt at the end = %d, %v", size, n, err)
		}
		if n, err := c.ReadAt(make([]byte, 1), -1); n != 0 || err == nil {
			t.Errorf("%d bytes: ReadAt(-1) = %d, %v", size, n, err)
		}
	}
}

// Of a long text that says much the same everywhere little is kept.
func TestLongTextIsPacked(t *testing.T) {
	const size = 32 << 20
	line := bytes.Repeat([]byte("            \"pgoff\": 0,\n"), 1000)
	file := tree.Text(fileAttr, func(w io.Writer) error {
		for written := 0; written < size; written += len(line) {
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
	before := heap()
	c, err := file.Content()
	if err != nil {
		t.Fatal(err)
	}
	if kept := heap() - before; kept > size/8 {
		t.Errorf("a text of %d bytes takes %d", c.Size(), kept)
	}
	runtime.KeepAlive(c)
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
