package integration

import (
	"testing"
	"time"
)

// BenchmarkMount mounts, and measures until the mount is ready: a small
// checkpoint, the same packed, one of 70,011 mappings with its image, and a
// folder of 1,000.
func BenchmarkMount(b *testing.B) {
	require(b, "fuse")
	ckptfs := plainProgram(b)
	zoo, vmas := testdata("zoo", "checkpoint.tar.zst"), testdata("vmas", "vmas.tar.zst")
	for _, c := range []struct{ name, archive, rootfs string }{
		{"plain", plain(b, zoo), ""},
		{"zstd", zoo, ""},
		{"mappings", vmas, testdata("vmas", "sysroot.tar.zst")},
		{"thousand", thousand(b), ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			var options []string
			if c.rootfs != "" {
				options = []string{"--rootfs", c.rootfs}
			}
			var ready time.Duration
			for b.Loop() {
				m, err := newMount(b.TempDir())
				check(b, err)
				ready += m.start(b, ckptfs, c.archive, options...).took
				m.stop(b)
			}
			b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ms-to-ready")
		})
	}
}
