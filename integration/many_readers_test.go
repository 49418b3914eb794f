package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Many readers go through more checkpoints than are kept open, each in its own
// order, so that they are closed and opened all the time; every byte is that of
// the checkpoint's own mount.
func TestManyReaders(t *testing.T) {
	const copies = 30
	want := make(map[string]map[string][]byte) // by fixture and path
	dir := t.TempDir()
	var names []string
	fixtureOf := make(map[string]string)
	for _, fixture := range full {
		want[fixture] = smallFiles(t, sharedMount(t, fixture))
		for i := range copies {
			name := fmt.Sprintf("checkpoint-%s-%d.tar", fixture, i)
			copyFile(t, testdata(fixture, "checkpoint.tar.zst"), filepath.Join(dir, name))
			names = append(names, name)
			fixtureOf[name] = fixture
		}
	}
	root := mount(t, dir)
	end := time.Now().Add(loadTime(t))
	var read sync.Map // how often each file was
	var group sync.WaitGroup
	for seed := range loadReaders {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), 0))
			for time.Now().Before(end) {
				name := names[random.IntN(len(names))]
				for path, content := range want[fixtureOf[name]] {
					if random.IntN(20) > 0 {
						continue
					}
					got, err := os.ReadFile(filepath.Join(root, name, path))
					if err != nil || !bytes.Equal(got, content) {
						t.Errorf("%s/%s: %d bytes, %v, want the %d bytes of the checkpoint's own mount", name, path, len(got), err, len(content))
						return
					}
					read.Store(name, true)
				}
			}
		})
	}
	group.Wait()
	n := 0
	read.Range(func(any, any) bool { n++; return true })
	if n < len(names)/2 {
		t.Errorf("only %d of %d checkpoints were read", n, len(names))
	}
}

// smallFiles reads the files of a mount that are no larger than 1 MiB, but for
// those that name the mount.
func smallFiles(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > 1<<20 || info.Name() == "gdbinit" {
			return err
		}
		content, err := os.ReadFile(path)
		relative, _ := filepath.Rel(root, path)
		files[relative] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
