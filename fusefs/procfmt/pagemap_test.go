package procfmt_test

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/memview"
)

// Two mappings side by side, of which two pages were captured:
//
//	page  0x10 0x11 0x12 0x13   0x20
//	       -    C    -    C      -
func TestPagemap(t *testing.T) {
	p := decodertest.Process{
		PID: 1, Comm: "p",
		VMAs: []decodertest.VMA{
			{Start: 0x10000, End: 0x12000, Prot: decoder.ProtRead},
			{Start: 0x12000, End: 0x14000, Prot: decoder.ProtRead | decoder.ProtWrite},
			{Start: 0x20000, End: 0x21000, Prot: decoder.ProtRead},
		},
		Runs: []decodertest.Run{{Addr: 0x11000, Pages: 1, Flags: criu.PagePresent}, {Addr: 0x13000, Pages: 1, Flags: criu.PagePresent}},
	}
	mm := decodertest.Checkpoint{Processes: []decodertest.Process{p}}.Open(t).Processes[0].MM
	pagemap := procfmt.Pagemap{MM: mm, Space: memview.New(mm)}
	const C = 1 << 63
	for _, tt := range []struct {
		name      string
		page, len int
		want      []uint64
	}{
		{"a page", 0x11, 1, []uint64{C}},
		{"an untouched page", 0x10, 1, []uint64{0}},
		{"up to a gap", 0x10, 100, []uint64{0, C, 0, C}},
		{"in a gap", 0x14, 2, nil},
		{"before everything", 0, 16, nil},
		{"into the first mapping", 0xf, 16, nil},
		{"the last page", 0x20, 2, []uint64{0}},
		{"behind everything", 0x21, 2, nil},
	} {
		buf := make([]byte, tt.len*8)
		n, err := pagemap.ReadAt(buf, int64(tt.page)*8)
		if short := n < len(buf); short != errors.Is(err, io.EOF) || !short && err != nil {
			t.Errorf("%s: ReadAt = %d of %d, %v", tt.name, n, len(buf), err)
		}
		var got []uint64
		for i := 0; i+8 <= n; i += 8 {
			got = append(got, binary.NativeEndian.Uint64(buf[i:]))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %#x, want %#x", tt.name, got, tt.want)
		}
	}
	// Parts of entries are those of whole ones.
	whole, part := make([]byte, 16), make([]byte, 5)
	if _, err := pagemap.ReadAt(whole, 0x11*8); err != nil {
		t.Fatal(err)
	}
	if n, err := pagemap.ReadAt(part, 0x11*8+6); n != 5 || err != nil || string(part) != string(whole[6:11]) {
		t.Errorf("part of two entries: %x, %d, %v", part, n, err)
	}
	// The address of a page far out would not fit into 64 bits.
	for _, off := range []int64{math.MaxInt64, math.MaxInt64 - 8, 1 << 60, 1<<60 + 0x11*8} {
		if n, err := pagemap.ReadAt(whole, off); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("ReadAt at %#x = %d, %v, want EOF", off, n, err)
		}
	}
}
