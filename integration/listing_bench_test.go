package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// The process of largeCheckpoint.
const (
	largePID         = 1
	largeMappings    = 70_000
	largeDescriptors = 10_000
)

// largeCheckpoint is an archive with one process that has many mappings, each
// second one of a file, and many open descriptors.
func largeCheckpoint(t testing.TB) string {
	t.Helper()
	p := decodertest.Process{PID: largePID, Comm: "large"}
	for i := range uint64(largeMappings) {
		v := decodertest.VMA{Start: 0x10000000 + i*0x2000, Prot: decoder.ProtRead}
		v.End = v.Start + 0x1000
		if i%2 == 1 {
			v.Status, v.Flags, v.ShmID = decoder.StatusRegular|decoder.StatusFilePrivate, decoder.MapPrivate, i
		}
		p.VMAs = append(p.VMAs, v)
		p.Runs = append(p.Runs, decodertest.Run{Addr: v.Start, Pages: 1, Flags: criu.PagePresent})
	}
	files := make(map[uint32]string)
	var table []proto.Message
	for id := range uint32(largeMappings) {
		files[id] = fmt.Sprintf("/lib/file-%d", id)
		if id < largeDescriptors {
			table = append(table, &fdinfo.FdinfoEntry{
				Id: proto.Uint32(id), Flags: proto.Uint32(0), Type: fdinfo.FdTypes_REG.Enum(), Fd: proto.Uint32(id),
			})
		}
	}
	archive := filepath.Join(t.TempDir(), "large.tar")
	check(t, os.WriteFile(archive, decodertest.Checkpoint{
		Processes: []decodertest.Process{p}, Files: files,
		Members: map[string][]byte{"checkpoint/fdinfo-1.img": decodertest.Image(criu.MagicFdinfo, table...)},
	}.Tar(), 0o644))
	return archive
}

// A process of many mappings and descriptors is listed whole.
func TestLargeListing(t *testing.T) {
	root := mount(t, largeCheckpoint(t))
	count := func(dir string) int {
		entries, err := os.ReadDir(filepath.Join(root, "procs", fmt.Sprint(largePID), dir))
		check(t, err)
		return len(entries)
	}
	for dir, want := range map[string]int{
		"mem.d": largeMappings, "map_files": largeMappings / 2, "fd": largeDescriptors, "fdinfo": largeDescriptors,
	} {
		if got := count(dir); got != want {
			t.Errorf("%s has %d entries, want %d", dir, got, want)
		}
	}
	if got := read(t, root, "warnings"); got != "" {
		t.Errorf("warnings = %q", got)
	}
}

// BenchmarkListing takes how long `ls -lR procs/` takes on a process of 70,000
// mappings and 10,000 descriptors, right after it was mounted, over how long it
// takes on as many plain files.
func BenchmarkListing(b *testing.B) {
	archive, plain := largeCheckpoint(b), b.TempDir()
	list := func(dir string) (time.Duration, int) {
		r := runCmd(b, 2*commandLimit, bash(dir, "ls -lR . | wc -l"))
		var n int
		if _, err := fmt.Sscan(r.stdout, &n); err != nil || r.stderr != "" {
			b.Fatalf("ls: %v, %q", err, r.stderr)
		}
		return r.took, n
	}
	measure := benchMount(b, archive)
	_, entries := list(filepath.Join(measure.point, "procs"))
	measure.stop(b)
	for i := range entries {
		check(b, os.WriteFile(filepath.Join(plain, fmt.Sprint(i)), nil, 0o644))
	}
	comparePairs(b, func() (mounted, files time.Duration) {
		m := benchMount(b, archive)
		defer m.stop(b)
		mounted, _ = list(filepath.Join(m.point, "procs"))
		files, _ = list(plain)
		return mounted, files
	})
	b.ReportMetric(float64(entries), "entries")
}
