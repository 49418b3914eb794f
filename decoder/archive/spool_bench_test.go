package archive

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkSpool expands 128 MiB of pages: of random bytes, of zeros, and of
// one after the other, as runs of 4 and of 64 KiB.
func BenchmarkSpool(b *testing.B) {
	const size = 128 << 20
	for _, test := range []struct {
		name        string
		data, zeros int // bytes in turn
	}{
		{"random", size, 0},
		{"zeros", 0, size},
		{"4KiB", 4 << 10, 4 << 10},
		{"64KiB", 64 << 10, 64 << 10},
	} {
		random := make([]byte, test.data)
		_, _ = rand.NewChaCha8([32]byte{}).Read(random)
		piece := slices.Concat(random, make([]byte, test.zeros))
		pages := bytes.Repeat(piece, size/len(piece))
		path := writeFile(b, zst(b, build(b, file("pages-1.img", string(pages)))))
		b.Run(test.name, func(b *testing.B) {
			dir := b.TempDir()
			b.SetBytes(size)
			b.ReportAllocs()
			var used int64
			for b.Loop() {
				a, err := Open(path, Options{SpoolDir: dir})
				if err != nil {
					b.Fatal(err)
				}
				used = spooled(b, a)
				a.Close()
			}
			b.ReportMetric(float64(used)/(1<<20), "spool-MiB")
		})
	}
}

// spooled is how many bytes of disk the spool of an archive takes.
func spooled(t testing.TB, a *Archive) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(int(a.closer.(interface{ Fd() uintptr }).Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}
