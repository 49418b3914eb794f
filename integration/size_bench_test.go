package integration

import (
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkShowBySize opens the same checkpoint, as a plain tar, with more and
// more pages: what it costs depends on its members, not on their size.
func BenchmarkShowBySize(b *testing.B) {
	ckptfs := program(b)
	for _, gib := range []uint64{1, 10} {
		dir := b.TempDir()
		unpack(b, testdata("zoo", "checkpoint.tar.zst"), dir)
		growProcess(b, filepath.Join(dir, "checkpoint"), 9, gib<<30)
		packed := filepath.Join(b.TempDir(), "big.tar")
		sparseTar(b, dir, packed)
		b.Run(fmt.Sprintf("%dGiB", gib), func(b *testing.B) {
			for b.Loop() {
				output(b, ckptfs, "show", packed)
			}
		})
	}
}
