package integration

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An archive that is cut or rewritten while it is mounted: what is read from
// then on fails, warnings says why, and no byte is wrong.
func TestChangedWhileMounted(t *testing.T) {
	pages := "archive/checkpoint/pages-1.img"
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, archive string)
	}{
		{"cut", func(t *testing.T, archive string) { check(t, os.Truncate(archive, 1<<20)) }},
		{"rewritten", func(t *testing.T, archive string) {
			f, err := os.OpenFile(archive, os.O_WRONLY, 0)
			check(t, err)
			fi, err := f.Stat()
			check(t, err)
			zeros := make([]byte, 1<<20)
			for off := int64(0); off < fi.Size(); off += int64(len(zeros)) {
				_, err := f.WriteAt(zeros[:min(int64(len(zeros)), fi.Size()-off)], off)
				check(t, err)
			}
			check(t, f.Close())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			archive := plain(t, testdata("counter", "checkpoint.tar.zst"))
			past := time.Now().Add(-time.Hour)
			check(t, os.Chtimes(archive, past, past))
			root := mount(t, archive)
			f, err := os.Open(filepath.Join(root, pages))
			check(t, err)
			defer f.Close()
			head := make([]byte, pageSize)
			if _, err := f.ReadAt(head, 0); err != nil {
				t.Fatal(err)
			}
			want := read(t, contents(t, "counter"), strings.TrimPrefix(pages, "archive/"))

			tt.change(t, archive)
			fi, err := f.Stat()
			check(t, err)
			failed := false
			buf := make([]byte, pageSize)
			for off := int64(0); off+pageSize <= fi.Size(); off += pageSize {
				switch _, err := f.ReadAt(buf, off); {
				case err == nil && string(buf) != want[off:off+pageSize]:
					t.Fatalf("wrong bytes at %#x", off)
				case errors.Is(err, syscall.EIO):
					failed = true
				case err != nil:
					t.Fatal(err)
				}
			}
			if !failed {
				t.Error("every page can still be read")
			}
			if got := read(t, root, "warnings"); !strings.Contains(got, "changed") {
				t.Errorf("warnings = %q", got)
			}
		})
	}
}
