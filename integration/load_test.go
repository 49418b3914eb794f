package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// loadReaders is how many read at the same time.
const loadReaders = 64

// loadTime is for how long a test under load reads: CKPTFS_LOAD, or a few
// seconds.
func loadTime(t *testing.T) time.Duration {
	t.Helper()
	s := os.Getenv("CKPTFS_LOAD")
	if s == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(s)
	check(t, err)
	return d
}

// Many readers go over a whole tree, each in its own order, while the page
// cache is dropped, and every byte, name and link is as it was when nobody else
// read. So it stays while the archive is cut or the server killed, but for what
// fails from then on.
func TestLoad(t *testing.T) {
	require(t, "fuse", "tar")
	archive := plain(t, testdata("zoo", "checkpoint.tar.zst"))
	quiet := newQuiet(t, mountedOnce(t, archive))

	t.Run("steady", func(t *testing.T) {
		c := quiet.crowd(t, archive)
		time.Sleep(loadTime(t))
		if n := c.end(t); n > 0 {
			t.Errorf("%d reads failed", n)
		}
	})
	t.Run("cut", func(t *testing.T) {
		quiet := quiet.without(func(path string) bool {
			// They say which bytes of memory can be had, and there are fewer now.
			return strings.HasPrefix(path, "cores/") || strings.HasSuffix(path, "/mem.d") ||
				strings.HasSuffix(path, "/mem.idx") || strings.HasSuffix(path, "/pagemap")
		})
		cut := filepath.Join(t.TempDir(), "cut.tar")
		copyFile(t, archive, cut)
		past := time.Now().Add(-time.Hour)
		check(t, os.Chtimes(cut, past, past))
		c := quiet.crowd(t, cut)
		time.Sleep(loadTime(t) / 2)
		if n := c.failed.Load(); n > 0 {
			t.Errorf("%d reads failed before anything happened", n)
		}
		check(t, os.Truncate(cut, 1<<20))
		time.Sleep(loadTime(t) / 2)
		if c.end(t) == 0 {
			t.Error("everything can still be read")
		}
		if got := read(t, c.mount.point, "warnings"); !strings.Contains(got, "changed") {
			t.Errorf("warnings = %q", got)
		}
	})
	t.Run("killed", func(t *testing.T) {
		c := quiet.crowd(t, archive)
		time.Sleep(loadTime(t) / 2)
		if n := c.failed.Load(); n > 0 {
			t.Errorf("%d reads failed before anything happened", n)
		}
		check(t, syscall.Kill(c.mount.server(t), syscall.SIGKILL))
		c.mount.waitEnded()
		if c.end(t) == 0 {
			t.Error("everything can still be read")
		}
	})
}

// quiet is a tree as it is when nobody else reads: a copy of it, but for what
// cannot be copied (mem), differs from mount to mount (gdbinit) or says what
// can no longer be read in this one (warnings, SHA256SUMS).
type quiet struct {
	dir   string
	paths []string
}

var leftOut = []string{"mem", "gdbinit", "warnings", "SHA256SUMS"}

func newQuiet(t *testing.T, root string) *quiet {
	t.Helper()
	q := &quiet{dir: t.TempDir()}
	args := []string{"-c", `set -o pipefail; tar --create --sparse --directory "$1" "${@:3}" . | tar --extract --directory "$2"`, "bash", root, q.dir}
	for _, name := range leftOut {
		args = append(args, "--exclude="+name)
	}
	output(t, "bash", args...)
	check(t, filepath.WalkDir(q.dir, func(path string, _ fs.DirEntry, err error) error {
		if path != q.dir { // which is the mount point, also without a mount
			q.paths = append(q.paths, strings.TrimPrefix(path, q.dir+"/"))
		}
		return err
	}))
	return q
}

// without is the same without some of its entries.
func (q *quiet) without(left func(path string) bool) *quiet {
	return &quiet{q.dir, slices.DeleteFunc(slices.Clone(q.paths), left)}
}

// crowd is those who read a mount.
type crowd struct {
	*quiet
	mount   *mounted
	readers sync.WaitGroup
	over    atomic.Bool
	read    atomic.Int64 // how many reads there were
	failed  atomic.Int64 // and how many of them gave an error
}

// crowd mounts archive and lets many read it.
func (q *quiet) crowd(t *testing.T, archive string) *crowd {
	t.Helper()
	m, err := newMount(t.TempDir())
	check(t, err)
	c := &crowd{quiet: q, mount: m}
	m.start(t, program(t), archive)
	for seed := range loadReaders {
		c.readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), 0))
			for !c.over.Load() {
				err := c.compare(q.paths[random.IntN(len(q.paths))], random)
				c.read.Add(1)
				if wrong := (wrongBytesError{}); errors.As(err, &wrong) {
					t.Error(wrong)
					return
				} else if err != nil && c.failed.Add(1) == 1 {
					t.Logf("first error, after %d reads: %v", c.read.Load(), err)
				}
			}
		})
	}
	c.readers.Go(func() {
		// Names and attributes too. Who may not do that still drops the pages
		// of each file.
		for !c.over.Load() && os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0) == nil {
			time.Sleep(500 * time.Millisecond)
		}
	})
	return c
}

// end ends the readers and the mount, and says how many reads failed.
func (c *crowd) end(t *testing.T) int64 {
	t.Helper()
	t.Cleanup(func() {
		if c.mount.isMounted() {
			check(t, c.mount.unmount())
		}
		if err := c.mount.leftovers(); err != nil {
			t.Error(err)
		}
	})
	c.over.Store(true)
	done := make(chan struct{})
	go func() { c.readers.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(commandLimit):
		t.Fatal("a reader waits for ever")
	}
	t.Logf("%d reads, %d of them failed", c.read.Load(), c.failed.Load())
	return c.failed.Load()
}

// wrongBytesError says what was read in place of what.
type wrongBytesError struct{ what string }

func (w wrongBytesError) Error() string { return w.what }

// compare compares something of an entry with the copy. Its error is
// wrongBytesError where it differs, and any other where it could not be read.
func (c *crowd) compare(path string, random *rand.Rand) error {
	want, err := os.Lstat(filepath.Join(c.dir, path))
	if err != nil {
		return wrongBytesError{err.Error()}
	}
	mounted := filepath.Join(c.mount.point, path)
	got, err := os.Lstat(mounted)
	switch {
	case err != nil:
		return err
	case got.Mode() != want.Mode():
		return wrongBytesError{fmt.Sprintf("%s: mode %v, want %v", path, got.Mode(), want.Mode())}
	case want.IsDir():
		return c.compareNames(path)
	case want.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(mounted)
		if copied, _ := os.Readlink(filepath.Join(c.dir, path)); err == nil && target != copied {
			return wrongBytesError{fmt.Sprintf("%s leads to %q, want %q", path, target, copied)}
		}
		return err
	case want.Mode().IsRegular():
		if got.Size() != want.Size() {
			if _, err := os.ReadFile(mounted); err != nil {
				return err // what cannot be made has no size
			}
			return wrongBytesError{fmt.Sprintf("%s: size %d, want %d", path, got.Size(), want.Size())}
		}
		return c.compareBytes(path, want.Size(), random)
	}
	return nil
}

func (c *crowd) compareNames(path string) error {
	list := func(root string) (names []string, err error) {
		entries, err := os.ReadDir(filepath.Join(root, path))
		for _, e := range entries {
			if !slices.Contains(leftOut, e.Name()) {
				names = append(names, e.Name())
			}
		}
		return names, err
	}
	want, _ := list(c.dir)
	got, err := list(c.mount.point)
	if err == nil && !slices.Equal(got, want) {
		return wrongBytesError{fmt.Sprintf("%s has %q, want %q", path, got, want)}
	}
	return err
}

// compareBytes compares some bytes of a file; those of a stretch of memory also
// as those at its addresses.
func (c *crowd) compareBytes(path string, size int64, random *rand.Rand) error {
	const most = 256 << 10
	off := random.Int64N(size + 1)
	want := make([]byte, min(size-off, 1+random.Int64N(most)))
	if err := readRange(filepath.Join(c.dir, path), want, off); err != nil {
		return wrongBytesError{err.Error()}
	}
	if process, stretch, is := strings.Cut(path, "/mem.d/"); is && random.IntN(2) == 0 {
		start, err := strconv.ParseInt(stretch[:16], 16, 64)
		if err != nil {
			return wrongBytesError{err.Error()}
		}
		path, off = process+"/mem", start+off
	}
	got := make([]byte, len(want))
	err := readRange(filepath.Join(c.mount.point, path), got, off)
	if err == nil && !bytes.Equal(got, want) {
		return wrongBytesError{fmt.Sprintf("%s: other bytes in the %d at %#x", path, len(want), off)}
	}
	return err
}

// readRange fills b from a file, and drops what the kernel keeps of that.
func readRange(path string, b []byte, off int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if n, err := f.ReadAt(b, off); n < len(b) && !errors.Is(err, io.EOF) {
		return err
	} else if n < len(b) {
		return wrongBytesError{fmt.Sprintf("%s: %d bytes at %#x, want %d", path, n, off, len(b))}
	}
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
