package criu

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// zeros is an image of nothing but its magic and zeros.
type zeros struct{}

func (zeros) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off == 0 {
		binary.LittleEndian.PutUint32(p, uint32(MagicCgroup))
	}
	return len(p), nil
}

// Zeros, which take no room in an archive, are not taken for entries without
// end.
func TestZeros(t *testing.T) {
	r, err := NewReader("x.img", zeros{}, 1<<50, MagicCgroup)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; err == nil && n < 1_000_000; n++ {
		_, _, err = r.Next()
	}
	if err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "more than 1000 entries without a byte") {
		t.Errorf("%d entries, %v", n, err)
	}
}
