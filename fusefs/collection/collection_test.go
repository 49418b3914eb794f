package collection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// archiveOf is a checkpoint of one process of that name.
func archiveOf(comm string) []byte {
	return decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Comm: comm}}}.Tar()
}

// folderOf makes a folder of files.
func folderOf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	path := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(path, name), content)
	}
	return path
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *Dir {
	t.Helper()
	folder, err := OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	d := New(folder, Options{})
	t.Cleanup(func() { d.Close() })
	return d
}

func lookup(t *testing.T, d *Dir, name string) *session {
	t.Helper()
	n, err := d.Lookup(name)
	if err != nil {
		t.Fatalf("Lookup(%q): %v", name, err)
	}
	return n.(*session)
}

// comm enters a session and reads the name of its first process.
func comm(t *testing.T, s *session) string {
	t.Helper()
	b, err := fs.ReadFile(tree.FS(s), "procs/1/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// explanation reads the file that stands for an archive that cannot be opened.
func explanation(t *testing.T, s *session) string {
	t.Helper()
	entries, err := s.Entries()
	if err != nil || len(entries) != 1 || entries[0].Name != "error" {
		t.Fatalf("Entries() = %v, %v, want only a file error", entries, err)
	}
	b, err := fs.ReadFile(tree.FS(s), "error")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// descriptors is how many files the process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestList(t *testing.T) {
	path := folderOf(t, map[string][]byte{
		"b.tar":                       archiveOf("b"),
		"a":                           archiveOf("a"),
		"text.tar":                    []byte("hello\n"),
		"empty":                       nil,
		"damaged":                     slices.Repeat([]byte{0xfe, 0}, 300),
		"unpacked/checkpoint/x.img":   nil,
		"images/pstree.img":           nil,
		"docker/config.v2.json":       nil,
		"other/notes":                 nil,
		"deep/images/pstree.img":      nil,
		"oci/oci-layout":              nil,
		"oci/blobs/sha256/0123456789": nil,
	})
	if err := os.Symlink("a", filepath.Join(path, "link")); err != nil {
		t.Fatal(err)
	}
	folder, err := OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for range 2 { // the second time from memory
		items, err := folder.List()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range items {
			names = append(names, item.Name)
		}
		if want := []string{"a", "b.tar", "damaged", "docker", "empty", "images", "oci", "unpacked"}; !slices.Equal(names, want) {
			t.Errorf("List() = %q, want %q", names, want)
		}
	}
}

func TestKind(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string][]byte
		want  Kind
	}{
		{"archives", map[string][]byte{"a": archiveOf("a"), "notes": []byte("x")}, Archives},
		{"an archive and a checkpoint", map[string][]byte{"b": archiveOf("a"), "a/pstree.img": nil}, Archives},
		{"a chain of dumps", map[string][]byte{"1/inventory.img": nil, "2/pstree.img": nil}, Directories},
		{"an unpacked archive", map[string][]byte{"checkpoint/pstree.img": nil, "rootfs-diff.tar": archiveOf("a")}, Checkpoint},
		{"CRIU's images", map[string][]byte{"core-1.img": nil}, Checkpoint},
		{"other files", map[string][]byte{"notes": []byte("x")}, Other},
		{"what may be a damaged archive", map[string][]byte{"empty": nil}, Other},
	} {
		folder, err := OpenFolder(folderOf(t, test.files))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := folder.Kind(); got != test.want || err != nil {
			t.Errorf("%s: Kind() = %v, %v, want %v", test.name, got, err, test.want)
		}
		folder.Close()
	}
}

func TestOpenedWhenEntered(t *testing.T) {
	d := open(t, folderOf(t, map[string][]byte{"a": archiveOf("one"), "b": archiveOf("two")}))
	before := descriptors(t)
	if _, err := d.Entries(); err != nil {
		t.Fatal(err)
	}
	a := lookup(t, d, "a")
	_ = a.Attr()
	if n := descriptors(t); n != before {
		t.Errorf("%d files are open after a listing, %d before", n, before)
	}
	if got := comm(t, a); got != "one" {
		t.Errorf("a is %q", got)
	}
	if n := descriptors(t); n != before+1 {
		t.Errorf("%d files are open when one archive is entered, %d before", n, before)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if n := descriptors(t); n != before {
		t.Errorf("%d files are open when it is closed, %d before", n, before)
	}
	if _, err := a.Lookup("procs"); !errors.Is(err, tree.ErrStale) {
		t.Errorf("Lookup in a closed session: %v, want ErrStale", err)
	}
	if err := a.Use(); !errors.Is(err, tree.ErrStale) {
		t.Errorf("Use of a closed session: %v, want ErrStale", err)
	}
	again := lookup(t, d, "a")
	if again.Version() == a.Version() {
		t.Error("the session after a closed one has its version")
	}
	if got := comm(t, again); got != "one" {
		t.Errorf("a, opened again, is %q", got)
	}
}

// Of two sessions of one version, which the kernel's requests can make in a
// race, the second to be closed does not make the next one obsolete.
func TestClosedTwice(t *testing.T) {
	d := open(t, folderOf(t, map[string][]byte{"a": archiveOf("one")}))
	first, second := lookup(t, d, "a"), lookup(t, d, "a")
	comm(t, first)
	comm(t, second)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	next := lookup(t, d, "a")
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if lookup(t, d, "a").Version() != next.Version() {
		t.Error("the version changes when an obsolete session is closed")
	}
}

func TestVersion(t *testing.T) {
	path := folderOf(t, map[string][]byte{"a": archiveOf("one"), "b": archiveOf("one")})
	d := open(t, path)
	a := lookup(t, d, "a")
	if lookup(t, d, "a").Version() != a.Version() {
		t.Error("two sessions of one file differ in version")
	}
	if lookup(t, d, "b").Version() == a.Version() {
		t.Error("two files have one version")
	}
	comm(t, a)
	write(t, filepath.Join(path, "new"), archiveOf("two"))
	if err := os.Rename(filepath.Join(path, "new"), filepath.Join(path, "a")); err != nil {
		t.Fatal(err)
	}
	b := lookup(t, d, "a")
	if b.Version() == a.Version() {
		t.Error("the version does not change with the file")
	}
	if got := comm(t, a) + comm(t, b); got != "onetwo" {
		t.Errorf("the session of the replaced file and that of the new one: %q", got)
	}
	if err := os.Remove(filepath.Join(path, "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lookup("a"); !errors.Is(err, tree.ErrNotExist) {
		t.Errorf("Lookup of a removed file: %v, want ErrNotExist", err)
	}
}

// A file that is replaced between its lookup and its opening is not opened.
func TestReplacedBeforeOpening(t *testing.T) {
	path := folderOf(t, map[string][]byte{"a": archiveOf("one")})
	d := open(t, path)
	a := lookup(t, d, "a")
	write(t, filepath.Join(path, "a"), archiveOf("other"))
	if got := explanation(t, a); got != errChanged.Error()+"\n" {
		t.Errorf("error is %q", got)
	}
	if got := comm(t, lookup(t, d, "a")); got != "other" {
		t.Errorf("a is %q", got)
	}
}

func TestErrors(t *testing.T) {
	path := folderOf(t, map[string][]byte{
		"empty": nil,
		"other": decodertest.TarOf(map[string][]byte{"x": []byte("y")}, nil),
	})
	d := open(t, path)
	for name, want := range map[string]string{"empty": "an empty file", "other": "no checkpoint"} {
		s := lookup(t, d, name)
		if got := explanation(t, s); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("error of %s is %q, want one line with %q", name, got, want)
		}
		if lookup(t, d, name).Version() != s.Version() {
			t.Errorf("%s would be tried again", name)
		}
	}
}

// What is open for writing is not opened, and tried again when time has passed.
func TestBeingWritten(t *testing.T) {
	path := folderOf(t, map[string][]byte{"a": archiveOf("one")})
	writer, err := os.OpenFile(filepath.Join(path, "a"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := open(t, path)
		s := lookup(t, d, "a")
		if got := explanation(t, s); got != errWriting.Error()+"\n" {
			t.Errorf("error is %q", got)
		}
		writer.Close()
		if lookup(t, d, "a").Version() != s.Version() {
			t.Error("it is tried again at once")
		}
		time.Sleep(patience)
		next := lookup(t, d, "a")
		if next.Version() == s.Version() {
			t.Error("it is not tried again")
		}
		if lookup(t, d, "a").Version() != next.Version() {
			t.Error("it is tried again and again")
		}
		if got := comm(t, next); got != "one" {
			t.Errorf("a is %q", got)
		}
	})
}

// tended runs Tend and returns a function that tells which names it let go of
// since the last call.
func tended(t *testing.T, d *Dir) func() []string {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var mu sync.Mutex
	var names []string
	go d.Tend(ctx, func(name string) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, name)
	})
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		list := names
		names = nil
		return list
	}
}

func TestIdle(t *testing.T) {
	path := folderOf(t, map[string][]byte{"a": archiveOf("one"), "b": archiveOf("two"), "c": archiveOf("three")})
	synctest.Test(t, func(t *testing.T) {
		d := open(t, path)
		let := tended(t, d)
		a, b := lookup(t, d, "a"), lookup(t, d, "b")
		comm(t, a)
		comm(t, b)
		lookup(t, d, "c")
		time.Sleep(maxIdle / 2)
		if err := a.Use(); err != nil {
			t.Error(err)
		}
		if got := let(); got != nil {
			t.Errorf("%q were let go after half the time", got)
		}
		time.Sleep(maxIdle/2 + round)
		if got := let(); !slices.Contains(got, "b") || slices.Contains(got, "a") {
			t.Errorf("%q were let go, want b, which is idle, and not a", got)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		let()
		time.Sleep(round)
		if got := let(); got != nil {
			t.Errorf("%q were let go, want none: b is closed", got)
		}
		if err := os.Remove(filepath.Join(path, "a")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(round)
		if got := let(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%q were let go, want a, which is removed", got)
		}
	})
}

func TestCrowded(t *testing.T) {
	files := make(map[string][]byte)
	for i := range maxOpen + 3 {
		files[fmt.Sprintf("%03d", i)] = archiveOf("one")
	}
	path := folderOf(t, files)
	synctest.Test(t, func(t *testing.T) {
		d := open(t, path)
		let := tended(t, d)
		for i := range maxOpen {
			comm(t, lookup(t, d, fmt.Sprintf("%03d", i)))
			time.Sleep(time.Millisecond)
		}
		if got := let(); got != nil {
			t.Errorf("%q were let go with %d open", got, maxOpen)
		}
		comm(t, lookup(t, d, fmt.Sprintf("%03d", maxOpen)))
		if got := let(); !slices.Equal(got, []string{"000"}) {
			t.Errorf("%q were let go, want the one that was opened first", got)
		}
	})
}
