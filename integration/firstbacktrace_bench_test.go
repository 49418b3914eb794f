package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkFirstBacktrace takes how long an analyst waits for gdb's first
// backtrace, once for each b.N:
//
//	go test -run '^$' -bench FirstBacktrace -benchtime 15x ./integration
//
// Each metric is a median. Two ways that are compared run in turn, and their
// ratio is that of the two runs of a pair.
func BenchmarkFirstBacktrace(b *testing.B) {
	b.Run("mounted-over-plain", func(b *testing.B) {
		for _, row := range []struct {
			fixture string
			pid     int
			exe     string
		}{{"zoo", 1, "zoo"}, {"counter", 6, "usr/bin/python3.11"}} {
			b.Run(fmt.Sprintf("%s/%d", row.fixture, row.pid), func(b *testing.B) {
				files := debugRoot(b, row.fixture)
				archive := plain(b, testdata(row.fixture, "checkpoint.tar.zst"))
				file := filepath.Join(b.TempDir(), "core")
				output(b, plainProgram(b), "core", "--rootfs", files, archive, fmt.Sprint(row.pid), "-o", file)
				backtrace := func(core string) time.Duration { return gdbTakes(b, core, filepath.Join(files, row.exe), files) }
				comparePairs(b, func() (mounted, plain time.Duration) {
					m := benchMount(b, archive, "--rootfs", files)
					defer m.stop(b)
					return backtrace(m.core(row.pid)), backtrace(file)
				})
			})
		}
	})
	b.Run("4GiB", func(b *testing.B) {
		const pid = 9
		dir, archive, files := b.TempDir(), filepath.Join(b.TempDir(), "checkpoint.tar"), debugRoot(b, "zoo")
		unpack(b, testdata("zoo", "checkpoint.tar.zst"), dir)
		growProcess(b, filepath.Join(dir, "checkpoint"), pid, 4<<30)
		sparseTar(b, dir, archive)
		var takes []float64
		for b.Loop() {
			start := time.Now()
			m := benchMount(b, archive, "--rootfs", files)
			gdbTakes(b, m.core(pid), filepath.Join(files, "zoo"), files)
			takes = append(takes, time.Since(start).Seconds())
			m.stop(b)
		}
		b.ReportMetric(median(takes), "s/mount-to-bt")
	})
	// CRIU's own way of making core files, where CKPTFS_BENCH_COREDUMP is the
	// path of its script. It writes the whole core file, and wants the process's
	// files at their own places on this machine; what gdb makes of the result
	// does not count.
	b.Run("ckptfs-over-script", func(b *testing.B) {
		script := os.Getenv("CKPTFS_BENCH_COREDUMP")
		if script == "" {
			b.Skip("CKPTFS_BENCH_COREDUMP is not set")
		}
		for _, name := range []string{"a", "b"} { // of 0.4 and 34 MB
			b.Run(name, func(b *testing.B) { againstScript(b, script, coreFixtureNamed(b, name)) })
		}
	})
}

func againstScript(b *testing.B, script string, f coreFixture) {
	images, exe, files := f.path(b, f.images), f.program(b), debugRoot(b, "zoo")
	comparePairs(b, func() (ours, theirs time.Duration) {
		start := time.Now()
		m := benchMount(b, images)
		defer m.stop(b)
		gdbTakes(b, m.core(f.pid(b)), exe, files)
		ours = time.Since(start)

		out := b.TempDir()
		start = time.Now()
		cmd := exec.Command(script, "-i", images, "-o", out)
		if text, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", cmd, err, text)
		}
		core := filepath.Join(out, "core."+strconv.Itoa(f.pid(b)))
		run(b, "gdb", append(gdbOptions(files), "--core", core, "--se", exe, "-ex", "bt")...)
		return ours, time.Since(start)
	})
}

// benchMount mounts with the program as it is installed.
func benchMount(b *testing.B, archive string, options ...string) *mounted {
	b.Helper()
	m, err := newMount(b.TempDir())
	check(b, err)
	m.start(b, plainProgram(b), archive, options...)
	return m
}

// core returns the name of a process's core file.
func (m *mounted) core(pid int) string {
	return filepath.Join(m.point, "cores", fmt.Sprintf("core.%d", pid))
}

// gdbTakes returns how long gdb takes to print a backtrace.
func gdbTakes(b *testing.B, core, exe, files string) time.Duration {
	b.Helper()
	require(b, "gdb")
	r := run(b, "gdb", append(gdbOptions(files), "--core", core, "--se", exe, "-ex", "bt")...)
	if r.code != 0 || !strings.Contains(r.stdout, "main (") && !strings.Contains(r.stdout, "Main (") {
		b.Fatalf("gdb on %s = exit status %d: %s%s", core, r.code, r.stdout, r.stderr)
	}
	return r.took
}

// comparePairs runs pairs and reports the medians of both and of their ratio.
func comparePairs(b *testing.B, pair func() (first, second time.Duration)) {
	b.Helper()
	var first, second, ratio []float64
	for b.Loop() {
		x, y := pair()
		first, second = append(first, x.Seconds()), append(second, y.Seconds())
		ratio = append(ratio, x.Seconds()/y.Seconds())
	}
	b.ReportMetric(median(first), "s/first")
	b.ReportMetric(median(second), "s/second")
	b.ReportMetric(median(ratio), "ratio")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
