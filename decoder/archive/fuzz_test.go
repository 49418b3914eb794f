package archive

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"
)

// FuzzCompressed opens what begins as each kind of compressed archive does, and
// goes on as it likes: no panic, and neither time nor memory beyond a bound.
func FuzzCompressed(f *testing.F) {
	tar := build(f, file("a", "A"), file("dir/b", "B"))
	bz, err := base64.StdEncoding.DecodeString(bzip2Tar)
	if err != nil {
		f.Fatal(err)
	}
	for i, b := range [][]byte{gz(f, tar), bz, xzip(f, tar), zst(f, tar)} {
		f.Add(byte(i), b)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		if magic := forms[int(kind)%len(forms)].magic; len(b) >= len(magic) {
			b = append([]byte(magic), b[len(magic):]...)
		}
		start := time.Now()
		a, err := OpenNested(bytes.NewReader(b), int64(len(b)), Options{SpoolDir: dir, Head: 4 << 20})
		if err == nil {
			for _, m := range a.Members() {
				if m.Type == TypeRegular {
					_, _ = m.ReadAt(make([]byte, 100), 0) // what is cut off fails
				}
			}
			a.Close()
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%d bytes took %v", len(b), took)
		}
	})
}
