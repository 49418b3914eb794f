package coredump

import (
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

// BenchmarkNew lays out a core file of 70,000 mapped files.
func BenchmarkNew(b *testing.B) {
	f := &decoder.File{Kind: decoder.FileRegular, Path: "/usr/lib/x86_64-linux-gnu/libc.so.6"}
	p := testProcess(nil, testPage)
	for i := range decoder.Addr(70_000) {
		p.MM.VMAs = append(p.MM.VMAs, fileVMA(i*2*testPage, i*2*testPage+testPage, 0, f))
	}
	b.ReportAllocs()
	for b.Loop() {
		newCore(b, p, &vmaMemory{})
	}
}

// BenchmarkCoreReadAt reads across the parts of a core file of 60,000, by
// 128 KiB.
func BenchmarkCoreReadAt(b *testing.B) {
	c := manySegments(b, 60_000)
	p := make([]byte, 128<<10)
	c.ReadAt(p, 0)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	off := int64(0)
	for b.Loop() {
		if off += int64(len(p)); off+int64(len(p)) > c.Size() {
			off = 0
		}
		c.ReadAt(p, off)
	}
}
