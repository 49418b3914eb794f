package archive

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

func writeFile(t testing.TB, b []byte) string {
	t.Helper()
	// A name that lies.
	path := filepath.Join(t.TempDir(), "archive.zip")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func compress(t testing.TB, b []byte, writer func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := writer(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gz(t testing.TB, b []byte) []byte {
	return compress(t, b, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

func zst(t testing.TB, b []byte) []byte {
	return compress(t, b, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
}

func xzip(t testing.TB, b []byte) []byte {
	return compress(t, b, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
}

// bzip2Tar is a tar with a member b, "B", compressed with bzip2: Go has no
// writer for it.
const bzip2Tar = "QlpoOTFBWSZTWSLbQVwAAC3fgOmAQABlABAAAADwAB4ACAggAFRWgaBpo02oJIKGR6mhofdWHRUoRHdWK401EMDU6Ty4jEIfnF2iRGD98ADIvi7kinChIEW2grg="

func TestOpen(t *testing.T) {
	content := strings.Repeat("hello", 50000)
	full := build(t, file("a", content), file("b", "B"))
	bz, err := base64.StdEncoding.DecodeString(bzip2Tar)
	if err != nil {
		t.Fatal(err)
	}
	skippable := []byte{0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	gzipped, zipped, xzipped := gz(t, full), zst(t, full), xzip(t, full)
	for _, test := range []struct {
		name, form string
		archive    []byte
		damage     bool
	}{
		{"tar", "tar", full, false},
		{"gzip", "tar.gz", gzipped, false},
		{"two gzip members", "tar.gz", cat(gz(t, full[:1000]), gz(t, full[1000:])), false},
		{"gzip with garbage behind", "tar.gz", cat(gzipped, []byte("garbage, and more of it")), true},
		{"gzip cut short", "tar.gz", gzipped[:len(gzipped)-20], true},
		{"bzip2", "tar.bz2", bz, false},
		{"zstd", "tar.zst", zipped, false},
		{"two zstd frames", "tar.zst", cat(zst(t, full[:1000]), zst(t, full[1000:])), false},
		{"zstd with a skippable frame in front", "tar.zst", cat(skippable, zipped), false},
		{"zstd with garbage behind", "tar.zst", cat(zipped, []byte("garbage")), true},
		{"zstd with a wrong checksum", "tar.zst", cat(zipped[:len(zipped)-1], []byte{^zipped[len(zipped)-1]}), true},
		{"xz", "tar.xz", xzipped, false},
		{"two xz streams", "tar.xz", cat(xzip(t, full[:1024]), xzip(t, full[1024:])), false},
		{"xz cut short", "tar.xz", xzipped[:len(xzipped)-20], true},
	} {
		a, err := Open(writeFile(t, test.archive), Options{SpoolDir: t.TempDir()})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if a.Form() != test.form || (len(a.Damage()) > 0) != test.damage {
			t.Errorf("%s: form %s, damage %v, want %s, %v", test.name, a.Form(), a.Damage(), test.form, test.damage)
		}
		if a.Size() != int64(len(test.archive)) {
			t.Errorf("%s: Size() = %d, want %d", test.name, a.Size(), len(test.archive))
		}
		if b := a.Lookup("b"); b == nil && !test.damage {
			t.Errorf("%s: member b is missing", test.name)
		}
		if m := a.Lookup("a"); m != nil && !test.damage {
			if err := iotest.TestReader(io.NewSectionReader(m, 0, m.Size()), []byte(content)); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		if err := a.Close(); err != nil {
			t.Errorf("%s: Close: %v", test.name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	full := build(t, file("a", "A"))
	broken := bytes.Clone(full)
	broken[0] ^= 1
	for _, test := range []struct {
		name    string
		content []byte
		want    string // part of the error
	}{
		{"empty", nil, "an empty file, not an archive"},
		{"text", []byte("hello\n"), "a text file, not"},
		{"ELF", []byte("\x7fELF\x02\x01\x01\x00"), "an ELF file, not"},
		{"zip", []byte("PK\x03\x04\x00\x00\x08\x00"), "a zip file, not"},
		{"lz4", []byte("\x04\x22\x4d\x18\x00"), "compressed with lz4, not"},
		{"broken first header", broken, "a tar with a broken first header, not"},
		{"compressed text", gz(t, []byte("hello\n")), "a tar.gz that expands to something else: a text file"},
		{"compressed twice", gz(t, zst(t, full)), "a tar.gz that expands to something else: compressed as a tar.zst is"},
		{"gzip cut in its first bytes", gz(t, full)[:12], "damaged"},
		{"zstd of nothing but a magic", []byte("\x28\xb5\x2f\xfd"), "damaged"},
		{"cut behind an extended header", paxHeader("path", "x"), "cut short"},
	} {
		dir := t.TempDir()
		a, err := Open(writeFile(t, test.content), Options{SpoolDir: dir})
		if err == nil {
			t.Errorf("%s: no error, members %v, damage %v", test.name, a.Members(), a.Damage())
			continue
		}
		if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want one line with %q", test.name, err, test.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %v is left in the spool directory", test.name, left)
		}
	}
}

func TestOpenFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Open(path, Options{})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a FIFO was opened")
		}
	case <-time.After(10 * time.Second):
		t.Error("Open waits for a writer")
	}
}

func TestSpoolDirMissing(t *testing.T) {
	_, err := Open(writeFile(t, zst(t, build(t, file("a", "A")))), Options{SpoolDir: "/nonexistent"})
	if spool := (*SpoolError)(nil); !errors.As(err, &spool) || !strings.Contains(err.Error(), "--spool-dir") {
		t.Errorf("error %v, want a SpoolError that says what to do", err)
	}
}

// TestXZDictionary has an xz stream of a few bytes that asks for a dictionary
// of 4 GiB.
func TestXZDictionary(t *testing.T) {
	b := xzip(t, build(t, file("a", "A")))
	at := bytes.Index(b, []byte{0x21, 0x01}) // filter LZMA2, one byte of properties
	b[at+2] = 40
	header := b[12 : 12+(int(b[12])+1)*4]
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Open(writeFile(t, b), Options{})
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("a dictionary of 4 GiB was accepted")
	}
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 2*maxWindow>>20 {
		t.Errorf("%d MiB were allocated", mib)
	}
}

type progressCounter struct {
	n      int64
	closed bool
}

func (c *progressCounter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func (c *progressCounter) Close() error {
	c.closed = true
	return nil
}

func TestProgress(t *testing.T) {
	b := zst(t, build(t, file("a", "A")))
	var c progressCounter
	a, err := Open(writeFile(t, b), Options{Progress: func(form string, size int64) io.WriteCloser {
		if form != "tar.zst" || size != int64(len(b)) {
			t.Errorf("Progress(%q, %d), want tar.zst, %d", form, size, len(b))
		}
		return &c
	}})
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	if c.n != int64(len(b)) || !c.closed {
		t.Errorf("progress %+v, want %d bytes and closed", c, len(b))
	}
}
