package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"checkpoint/core-1.img": "core", "config.dump": "{}", "a\xffb": "odd"})
	for _, f := range []func() error{
		func() error { return os.Symlink("/etc/passwd", filepath.Join(dir, "link")) },
		func() error { return os.Symlink("..", filepath.Join(dir, "checkpoint/parent")) },
		func() error { return os.Link(filepath.Join(dir, "config.dump"), filepath.Join(dir, "second")) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var got []string
	for _, m := range a.Members() {
		got = append(got, fmt.Sprintf("%s:%d:%d", m.Name, m.Type, m.Size()))
	}
	want := "a\xffb:0:3 checkpoint:1:0 checkpoint/core-1.img:0:4 checkpoint/parent:2:0 config.dump:0:2 link:2:0 second:0:2"
	if got := strings.Join(got, " "); got != want || a.Form() != "directory" || a.Size() != 9 {
		t.Errorf("members %q, form %s, size %d, want %q, directory, 9", got, a.Form(), a.Size(), want)
	}
	if m := a.Lookup("second"); m.LinkName != "config.dump" || m.Nlink != 2 {
		t.Errorf("hard link %+v", m)
	}
	if s, err := read(a.Lookup("a\xffb")); s != "odd" || err != nil {
		t.Errorf("a name that is not UTF-8 reads %q, %v", s, err)
	}
}

// TestDirectoryManyFiles reads more files than are kept open, from several
// goroutines.
func TestDirectoryManyFiles(t *testing.T) {
	const n = 4 * maxOpen
	dir := t.TempDir()
	files := make(map[string]string)
	for i := range n {
		files[fmt.Sprintf("f%d", i)] = fmt.Sprint("content ", i)
	}
	writeTree(t, dir, files)
	a, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range n {
				name := fmt.Sprintf("f%d", (i*7+g*31)%n)
				if s, err := read(a.Lookup(name)); s != files[name] || err != nil {
					t.Errorf("%s reads %q, %v", name, s, err)
				}
			}
		})
	}
	group.Wait()
	if open := a.closer.(*openFiles).recent.Len(); open > maxOpen {
		t.Errorf("%d files are kept open, want at most %d", open, maxOpen)
	}
}

// TestDirectoryChanges changes files behind the archive's back: their bytes
// must fail rather than be others'.
func TestDirectoryChanges(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"shrunk": "0123456789", "replaced": "old", "linked": "old", "other": "new"})
	a, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, f := range []func() error{
		func() error { return os.Truncate(path("shrunk"), 4) },
		func() error { return os.Rename(path("other"), path("replaced")) },
		func() error { return os.Remove(path("linked")) },
		func() error { return os.Symlink("replaced", path("linked")) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"shrunk", "replaced", "linked", "other"} {
		_, err := read(a.Lookup(name))
		if member := (*MemberError)(nil); !errors.As(err, &member) || member.Member != name {
			t.Errorf("%s: error %v, want a MemberError", name, err)
		}
	}
	if _, err := a.Lookup("shrunk").ReadAt(make([]byte, 10), 0); !errors.Is(err, ErrChanged) {
		t.Errorf("shrunk: error %v, want ErrChanged", err)
	}
}
