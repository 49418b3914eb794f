package memview

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// FuzzSpace makes a process of any mappings and page runs: the segments of what
// the decoder leaves of it are sorted and disjoint and lie in mappings, and no
// read gives more than was asked for.
//
// Of the input each ten bytes are a mapping or a page run: what it is, its
// start and its length, each the multiple of a page by a shift, and its status.
func FuzzSpace(f *testing.F) {
	f.Add([]byte{0, 1, 0, 4, 0, 0, 0, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 51, 1, 51, 0, 0, 0, 2, 1, 1, 1, 51, 1, 20, 0, 0, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{2, 3, 4, 255, 52, 9, 3, 7, 0x40, 2}, 20))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := decodertest.Process{PID: 1}
		const most = 64
		for n := 0; len(in) >= 10 && n < most; in, n = in[10:], n+1 {
			start, length := uint64(in[1])<<(in[2]%64), uint64(in[3])<<(in[4]%64)
			switch in[0] % 3 {
			case 0:
				p.VMAs = append(p.VMAs, decodertest.VMA{
					Start: start << 12, End: (start + length) << 12, Prot: decoder.Prot(in[5]), PgOff: uint64(in[6]) << (in[7] % 64) << 12, ShmID: uint64(in[6] % 4),
					Status: decoder.VMAStatus(binary.LittleEndian.Uint16(in[8:])) | 1, Flags: decoder.MapFlags(in[5]),
				})
			case 1:
				p.VMAs = append(p.VMAs, decodertest.VMA{Start: start << 12, End: (start + length) << 12, Status: decoder.StatusGuard})
			default:
				p.Runs = append(p.Runs, decodertest.Run{Addr: start << 12, Pages: int(in[3]), Flags: criu.PageFlags(in[5] % 8)})
			}
		}
		tar := decodertest.Checkpoint{Processes: []decodertest.Process{p}, Files: map[uint32]string{0: "/", 1: "/a", 2: "/b"}}.Tar()
		a, err := archive.OpenNested(bytes.NewReader(tar), int64(len(tar)), archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ck, err := decoder.Open(a, decoder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer ck.Close()
		mm := ck.Processes[0].MM
		if mm == nil {
			return
		}
		checkSpace(t, mm, New(mm))
	})
}

func checkSpace(t *testing.T, mm *decoder.MM, s *AddressSpace) {
	t.Helper()
	var end decoder.Addr
	n := 0
	for seg := range s.All() {
		if seg.Start < end || seg.End <= seg.Start || seg.VMA == nil || mm.FindVMA(seg.Start) == nil || seg.Src != nil && seg.Off < 0 {
			t.Fatalf("segment %v %v behind %v, source %v at %d", seg.Range, seg.Kind, end, seg.Src, seg.Off)
		}
		end = seg.End
		if n++; n > 100_000 {
			t.Fatal("more segments than there can be")
		}
		var b [5000]byte
		for _, at := range []decoder.Addr{seg.Start, seg.End - 1, seg.Start + decoder.Addr(seg.Len()/2)} {
			if n, err := s.ReadMem(b[:], at); n < 0 || n > len(b) || n < len(b) && err == nil {
				t.Fatalf("ReadMem(%v) = %d, %v", at, n, err)
			}
		}
	}
	end = 0
	for _, stretch := range s.Stretches() {
		if stretch.Start < end || stretch.End <= stretch.Start {
			t.Fatalf("stretch %v behind %v", stretch.Range, end)
		}
		end = stretch.End
		var b [100]byte
		if n, err := stretch.ReadAt(b[:], 0); n < 0 || n > len(b) || n < len(b) && err == nil {
			t.Fatalf("stretch %v: ReadAt = %d, %v", stretch.Range, n, err)
		}
	}
}
