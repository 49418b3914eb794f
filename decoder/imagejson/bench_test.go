package imagejson_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/decoder/imagejson"
)

// The mm image of a process of 70,000 mappings.
func BenchmarkMM(b *testing.B) {
	var vmas []decodertest.VMA
	for i := range uint64(70_000) {
		vmas = append(vmas, decodertest.VMA{Start: 0x7f0000000000 + i*0x2000, End: 0x7f0000001000 + i*0x2000, Prot: 3})
	}
	ck := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, VMAs: vmas}}}
	image := ck.Contents()["checkpoint/mm-1.img"]
	count := new(counter)
	b.ReportAllocs()
	for b.Loop() {
		*count = 0
		if err := imagejson.Write(count, imagejson.Image{ReaderAt: bytes.NewReader(image), Size: int64(len(image)), Name: "mm-1.img"}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(*count))
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = new(counter)
