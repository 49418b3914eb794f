package archive

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestChanged changes a tar behind the archive's back: what is read from then
// on fails, and what has nothing to do with the bytes does no harm.
func TestChanged(t *testing.T) {
	content := build(t, file("a", "old bytes"))
	for _, tt := range []struct {
		name   string
		change func(path string) error
		want   error
	}{
		{"nothing", func(string) error { return nil }, nil},
		{"mode", func(path string) error { return os.Chmod(path, 0o400) }, nil},
		{"name", func(path string) error { return os.Rename(path, path+".old") }, nil},
		{"replaced", func(path string) error {
			if err := os.WriteFile(path+".new", []byte("new"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, nil}, // the old file is still open
		{"removed", os.Remove, nil},
		{"cut", func(path string) error { return os.Truncate(path, 512) }, ErrChanged},
		{"lengthened", func(path string) error { return os.Truncate(path, int64(len(content))+1) }, ErrChanged},
		{"rewritten", func(path string) error { return os.WriteFile(path, content, 0o600) }, ErrChanged},
		{"written to", func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("new"), 512)
			return errors.Join(err, f.Close())
		}, ErrChanged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.tar")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			// Time stamps of file systems are no finer than a tick.
			long := time.Now().Add(-time.Minute)
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
			a, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 9)
			n, err := a.Lookup("a").ReadAt(p, 0)
			if tt.want == nil && (err != nil || string(p) != "old bytes") {
				t.Errorf("ReadAt = %d, %v, %q, want the old bytes", n, err, p)
			}
			if tt.want != nil && (!errors.Is(err, tt.want) || n != 0) {
				t.Errorf("ReadAt = %d, %v, want 0, %v", n, err, tt.want)
			}
		})
	}
}
