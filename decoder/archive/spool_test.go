package archive

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSpoolIsSparse expands zeros into holes, and what is not zeros as it is.
func TestSpoolIsSparse(t *testing.T) {
	zeros := strings.Repeat("\x00", 8<<20)
	a, err := Open(writeFile(t, zst(t, build(t, file("zeros", zeros), file("a", "A"+zeros+"Z")))), Options{SpoolDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if used := spooled(t, a); used > 64<<10 {
		t.Errorf("the spool uses %d bytes for 16 MiB of zeros", used)
	}
	if got, err := read(a.Lookup("a")); err != nil || got != "A"+zeros+"Z" {
		t.Errorf("%d bytes, %v, or other content", len(got), err)
	}
}

// TestSparseWriter writes streams whose zeros begin and end anywhere.
func TestSparseWriter(t *testing.T) {
	for _, test := range []struct {
		name string
		runs []int // lengths in bytes, of data and of zeros in turn
		used int64 // blocks of data
	}{
		{"nothing", nil, 0},
		{"one byte", []int{1}, 1},
		{"zeros", []int{0, 100_000}, 0},
		{"a short tail of zeros", []int{spoolBlock, 7}, 1},
		{"whole blocks", []int{spoolBlock, 3 * spoolBlock, 2 * spoolBlock}, 3},
		{"across blocks", []int{spoolBlock + 1, 3*spoolBlock - 2, 1}, 3},
		{"longer than the buffer", []int{300 << 10, 600 << 10, 300 << 10}, 150},
	} {
		var stream []byte
		for i, n := range test.runs {
			stream = append(stream, bytes.Repeat([]byte{byte(1 - i%2)}, n)...)
		}
		f, err := SpoolFile(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w := &sparseWriter{file: f, dir: os.TempDir(), limit: 1 << 40}
		readErr, writeErr := w.copy(bytes.NewReader(stream))
		got, err := io.ReadAll(f)
		if readErr != nil || writeErr != nil || err != nil || !bytes.Equal(got, stream) || w.size != int64(len(stream)) {
			t.Errorf("%s: %v, %v, %v, %d bytes of %d, or other content", test.name, readErr, writeErr, err, w.size, len(stream))
		}
		if w.written > test.used*spoolBlock || w.written <= (test.used-1)*spoolBlock {
			t.Errorf("%s: %d bytes written, want %d blocks of %d", test.name, w.written, test.used, spoolBlock)
		}
	}
}

// TestHead expands no more than it is told to.
func TestHead(t *testing.T) {
	b := zst(t, build(t, file("a", "A"), file("b", strings.Repeat("b", 100_000)), file("c", "C")))
	a, err := Open(writeFile(t, b), Options{SpoolDir: t.TempDir(), Head: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if got, err := read(a.Lookup("a")); got != "A" || err != nil || !a.Cut() {
		t.Errorf("a = %q, %v, Cut() = %v", got, err, a.Cut())
	}
	if _, err := read(a.Lookup("b")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("b, which is longer: %v, want io.ErrUnexpectedEOF", err)
	}
	if a.Lookup("c") != nil {
		t.Error("c is there, which comes behind")
	}
	whole, err := Open(writeFile(t, b), Options{SpoolDir: t.TempDir(), Head: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	if whole.Cut() || whole.Lookup("c") == nil {
		t.Error("an archive that is shorter is cut")
	}
}

// TestBomb stops where an archive expands to more than any does.
func TestBomb(t *testing.T) {
	f, err := SpoolFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := &sparseWriter{file: f, dir: os.TempDir(), limit: 1 << 20}
	_, err = w.copy(bytes.NewReader(make([]byte, 2<<20)))
	if w.size > 1<<20 {
		t.Errorf("%d bytes, want no more than the limit", w.size)
	}
	if err = w.explain(err, 100, 200); !strings.Contains(err.Error(), "compression bomb") {
		t.Errorf("error %q, want that it is a compression bomb", err)
	}
	for compressed, want := range map[int64]int64{0: 64 << 30, 1 << 20: 64 << 30, 1 << 30: 200 << 30, 1 << 62: 200 << 50} {
		if got := expansionLimit(compressed); got != want {
			t.Errorf("expansionLimit(%d) = %d, want %d", compressed, got, want)
		}
	}
}

// TestSpoolDir never takes memory that nobody offered.
func TestSpoolDir(t *testing.T) {
	const memory = "/dev/shm"
	var st unix.Statfs_t
	if err := unix.Statfs(memory, &st); err != nil || st.Type != unix.TMPFS_MAGIC {
		t.Fatalf("%s is no tmpfs: %v", memory, err)
	}
	disk := t.TempDir()
	for _, test := range []struct{ asked, tmpdir, want string }{
		{"", "", "/var/tmp"},
		{"", memory, "/var/tmp"},
		{"", disk, disk},
		{memory, disk, memory},
	} {
		if test.want == disk && inMemory(disk) {
			test.want = "/var/tmp"
		}
		t.Setenv("TMPDIR", test.tmpdir)
		if got, err := SpoolDir(test.asked); got != test.want || err != nil {
			t.Errorf("with TMPDIR=%s, SpoolDir(%q) = %q, %v, want %q", test.tmpdir, test.asked, got, err, test.want)
		}
	}
}

// counting counts the bytes that are read.
type counting struct {
	io.ReaderAt
	n int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// hugeTar makes a tar with a member of that size, which is a hole, between two
// small ones.
func hugeTar(t testing.TB, size int64) *os.File {
	t.Helper()
	f, err := os.Create(t.TempDir() + "/huge.tar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	before := append(rawHeader("a", '0', 1, nil), padded("A")...)
	header := rawHeader("pages-1.img", '0', 0, func(b []byte) {
		copy(b[124:], "\x80\x00\x00\x00") // a number of base 256
		for i := range 8 {
			b[128+i] = byte(size >> (56 - 8*i))
		}
	})
	behind := append(rawHeader("b", '0', 1, nil), padded("B")...)
	at := int64(0)
	for _, part := range [][]byte{before, header} {
		if _, err := f.WriteAt(part, at); err != nil {
			t.Fatal(err)
		}
		at += int64(len(part))
	}
	if _, err := f.WriteAt(append(behind, make([]byte, 1024)...), at+size); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestOpenReadsHeaders opens a plain tar for no more than its headers.
func TestOpenReadsHeaders(t *testing.T) {
	const size, limit = 10 << 30, 64 << 10
	f := hugeTar(t, size)
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{ReaderAt: f}
	a, err := OpenNested(c, info.Size(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Members()) != 3 || a.Lookup("pages-1.img").Size() != size || len(a.Damage()) != 0 {
		t.Errorf("members %v, damage %v", a.Members(), a.Damage())
	}
	if c.n > limit {
		t.Errorf("%d bytes were read of 10 GiB, want at most %d", c.n, limit)
	}
}

// BenchmarkOpenSize opens tars of as many members and of different sizes.
func BenchmarkOpenSize(b *testing.B) {
	for name, size := range map[string]int64{"1GiB": 1 << 30, "10GiB": 10 << 30, "100GiB": 100 << 30} {
		path := hugeTar(b, size).Name()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a, err := Open(path, Options{})
				if err != nil {
					b.Fatal(err)
				}
				a.Close()
			}
		})
	}
}
