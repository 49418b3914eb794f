package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// footprintLimit is how much memory of its own the daemon may hold.
const footprintLimit = 64 << 20

// The daemon stays small while everything is read.
func TestFootprint(t *testing.T) {
	require(t, "fuse")
	for _, fixture := range full {
		m := plainMount(t, testdata(fixture, "checkpoint.tar.zst"))
		walk(t, m.point)
		if got := m.anonymous(t); got > footprintLimit {
			t.Errorf("%s: the daemon holds %d MiB, want at most %d", fixture, got>>20, footprintLimit>>20)
		}
	}
}

// It does not grow with the pages images: 8 GiB of them cost nothing, packed
// as a folder or as a tar.
func TestFootprintOfBigPages(t *testing.T) {
	require(t, "fuse")
	const pid, size = 9, 8 << 30
	dir := t.TempDir()
	unpack(t, testdata("zoo", "checkpoint.tar.zst"), dir)
	region := growProcess(t, filepath.Join(dir, "checkpoint"), pid, size)
	packed := filepath.Join(t.TempDir(), "big.tar")
	sparseTar(t, dir, packed)
	for _, archive := range []string{dir, packed} {
		m := plainMount(t, archive)
		idle := m.anonymous(t)
		f := open(t, m.point, "procs", fmt.Sprint(pid), "mem")
		last := make([]byte, 4)
		if _, err := f.ReadAt(last, int64(region.end-4)); err != nil || string(last) != "LAST" {
			t.Errorf("%s: the last word of 8 GiB = %q, %v, want LAST", archive, last, err)
		}
		stretch := filepath.Join(m.point, "procs", fmt.Sprint(pid), "mem.d", fmt.Sprintf("%016x-%016x.rw-p.anon", region.start, region.end))
		output(t, "head", "-c", "500000000", stretch)
		f.Close()
		busy := m.anonymous(t)
		if busy > footprintLimit || busy > idle+footprintLimit/2 {
			t.Errorf("%s: the daemon holds %d MiB, %d MiB after reading 500 MB of 8 GiB, want at most %d",
				archive, idle>>20, busy>>20, footprintLimit>>20)
		}
	}
}

// No core file is ever built in memory: the daemon hardly grows while one of
// 4 GiB is read.
func TestFootprintOfCore(t *testing.T) {
	require(t, "fuse", "sha256sum")
	const pid, size, limit = 9, 4 << 30, 16 << 20
	dir := t.TempDir()
	unpack(t, testdata("zoo", "checkpoint.tar.zst"), dir)
	growProcess(t, filepath.Join(dir, "checkpoint"), pid, size)
	m := plainMount(t, dir)
	idle := m.anonymous(t)
	sum := exec.Command("sha256sum", filepath.Join(m.point, "cores", fmt.Sprintf("core.%d", pid)))
	done := make(chan error)
	go func() { done <- sum.Run() }()
	most, samples := idle, 0
	for {
		select {
		case err := <-done:
			if err != nil || samples == 0 {
				t.Errorf("sha256sum: %v, after %d samples", err, samples)
			}
			t.Logf("%d KiB grow by at most %d in %d samples", idle>>10, (most-idle)>>10, samples)
			if most > idle+limit {
				t.Errorf("the daemon grows from %d to %d MiB, want no more than %d MiB", idle>>20, most>>20, limit>>20)
			}
			return
		case <-time.After(20 * time.Millisecond):
			most = max(most, m.anonymous(t))
			samples++
		}
	}
}

// plainMount mounts with the program as it is installed.
func plainMount(t *testing.T, archive string) *mounted {
	t.Helper()
	m, err := newMount(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m.start(t, plainProgram(t), archive)
	t.Cleanup(func() { m.stop(t) })
	return m
}

// anonymous returns the resident anonymous memory of the mount's daemon.
func (m *mounted) anonymous(t *testing.T) int64 {
	t.Helper()
	var kib int64
	for _, pid := range m.processes() {
		for _, line := range lines(read(t, "/proc", fmt.Sprint(pid), "status")) {
			if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
				var n int64
				fmt.Sscan(rest, &n)
				kib += n
			}
		}
	}
	if kib == 0 {
		t.Fatal("no daemon found")
	}
	return kib << 10
}
