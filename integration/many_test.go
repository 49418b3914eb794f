package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// manyOf makes a folder with archives of those names; each is a copy of the
// fixture that stands in front of its first dot or dash.
func manyOf(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		fixture := name[:strings.IndexAny(name, ".-")]
		copyFile(t, testdata(fixture, "checkpoint.tar.zst"), filepath.Join(dir, name))
	}
	return dir
}

// copyFile copies a file, to a name that is not there before all of it is.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	if err := os.WriteFile(to+".part", []byte(read(t, from)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(to+".part", to); err != nil {
		t.Fatal(err)
	}
}

// isFixture checks that dir is the tree of a fixture, by its summary.
func isFixture(t testing.TB, dir, fixture string) {
	t.Helper()
	if got, want := read(t, dir, "summary"), read(t, sharedMount(t, fixture), "summary"); got != want {
		t.Errorf("%s/summary = %q, want that of %s", dir, got, fixture)
	}
}

// A folder of archives is a folder of checkpoints, each as in a mount of its
// own: archives of any form, directories that are checkpoints, and what looks
// like a damaged archive; nothing else.
func TestMany(t *testing.T) {
	dir := manyOf(t, "zoo.tar.zst", "counter-1.tar")
	unpack(t, testdata("zoo", "checkpoint.tar.zst"), mkdir(t, dir, "zoo-unpacked"))
	unpack(t, testdata("counter", "checkpoint.tar.zst"), mkdir(t, dir, "other", "deeper"))
	write(t, filepath.Join(dir, "notes"), "text\n")
	write(t, filepath.Join(dir, "broken.tar"), strings.Repeat("\xfe\x00", 300))
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root := mount(t, dir)
	if got, want := names(t, root), []string{"broken.tar", "counter-1.tar", "zoo-unpacked", "zoo.tar.zst"}; !slices.Equal(got, want) {
		t.Errorf("the mount has %q, want %q", got, want)
	}
	isFixture(t, filepath.Join(root, "counter-1.tar"), "counter")
	for path, want := range smallFiles(t, sharedMount(t, "zoo")) {
		if got := read(t, root, "zoo.tar.zst", path); got != string(want) {
			t.Errorf("zoo.tar.zst/%s differs from that of its own mount", path)
		}
	}
	if got, want := read(t, root, "zoo-unpacked/procs/1/maps"), read(t, root, "zoo.tar.zst/procs/1/maps"); got != want {
		t.Errorf("maps of an unpacked checkpoint = %q, want %q", got, want)
	}
	if got := names(t, filepath.Join(root, "broken.tar")); !slices.Equal(got, []string{"error"}) {
		t.Errorf("a broken archive has %q, want only a file error", got)
	}
	if got := lines(read(t, root, "broken.tar/error")); len(got) != 1 || !strings.Contains(got[0], "broken first header") {
		t.Errorf("the error of a broken archive is %q", got)
	}
	gdbinit := read(t, root, "zoo.tar.zst/procs/1/gdbinit")
	if want := filepath.Join(root, "zoo.tar.zst/cores/core.1"); !strings.Contains(gdbinit, want) {
		t.Errorf("gdbinit does not name %s:\n%s", want, gdbinit)
	}
}

func mkdir(t testing.TB, parts ...string) string {
	t.Helper()
	dir := filepath.Join(parts...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Two mounts of a folder are alike, to the inode numbers, and no two files of
// one share a number: hard links in two archives are not one file.
func TestManyInodes(t *testing.T) {
	require(t, "find")
	dir := manyOf(t, "zoo-1.tar", "zoo-2.tar")
	list := func(root string) string {
		return shell(t, root, `find . -printf '%i %y %n %p\n' | LC_ALL=C sort -k4`)
	}
	first := list(mount(t, dir))
	if second := list(mount(t, dir)); second != first {
		t.Error("two mounts of one folder differ in find's list")
	}
	seen := make(map[string]string)
	for _, line := range lines(first) {
		f := strings.SplitN(line, " ", 4)
		archive := strings.SplitN(f[3]+"//", "/", 3)[1]
		if other, ok := seen[f[0]]; ok && other != archive {
			t.Errorf("%s has an inode number of %s", f[3], other)
		}
		seen[f[0]] = archive
	}
}

// Archives that are added, removed and replaced are seen at once, and what is
// open stays what it was.
func TestManyChange(t *testing.T) {
	dir := manyOf(t, "zoo-1.tar")
	root := mount(t, dir)
	second := filepath.Join(root, "second")
	if _, err := os.Stat(second); !os.IsNotExist(err) {
		t.Fatalf("stat of what is not there yet: %v", err)
	}
	names(t, root)

	copyFile(t, testdata("counter", "checkpoint.tar.zst"), filepath.Join(dir, "second"))
	if got, want := names(t, root), []string{"second", "zoo-1.tar"}; !slices.Equal(got, want) {
		t.Errorf("after one was added: %q, want %q", got, want)
	}
	isFixture(t, second, "counter")
	open, err := os.Open(filepath.Join(second, "archive/config.dump"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	inside, err := os.OpenRoot(second)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()

	copyFile(t, testdata("zoo", "checkpoint.tar.zst"), filepath.Join(dir, "second"))
	isFixture(t, second, "zoo")
	if got, want := read(t, second, "archive/config.dump"), read(t, sharedMount(t, "zoo"), "archive/config.dump"); got != want {
		t.Error("a file of the archive that was replaced has not its content")
	}
	want := read(t, sharedMount(t, "counter"), "archive/config.dump")
	got := make([]byte, len(want))
	if _, err := open.ReadAt(got, 0); err != nil || string(got) != want {
		t.Errorf("a file that was open before its archive was replaced: %v, or other content", err)
	}
	if b, err := inside.ReadFile("summary"); err != nil || string(b) != read(t, sharedMount(t, "counter"), "summary") {
		t.Errorf("a directory that was open before its archive was replaced: %v, or other content", err)
	}

	if err := os.Remove(filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, root), []string{"zoo-1.tar"}; !slices.Equal(got, want) {
		t.Errorf("after one was removed: %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(second, "summary")); !os.IsNotExist(err) {
		t.Errorf("a file of a removed archive: %v, want that it does not exist", err)
	}
}

// An archive is not opened while somebody writes it, but soon after.
func TestManyBeingWritten(t *testing.T) {
	dir := manyOf(t, "zoo-1.tar")
	root := mount(t, dir)
	content := read(t, testdata("counter", "checkpoint.tar.zst"))
	w, err := os.Create(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{content[:len(content)/2], content[len(content)/2:]} {
		if _, err := w.WriteString(part); err != nil {
			t.Fatal(err)
		}
		if got := read(t, root, "new/error"); !strings.Contains(got, "being written") {
			t.Errorf("error of an archive that is being written = %q", got)
		}
	}
	w.Close()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if _, err := os.Stat(filepath.Join(root, "new/summary")); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	isFixture(t, filepath.Join(root, "new"), "counter")
}

// More archives than may be open at once are entered; those that are in use
// stay, and of the others the files are closed.
func TestManyClosed(t *testing.T) {
	const entered, kept, others = 60, 32, 30 // of ckptfs: maxOpen, and what its two processes have open besides
	var list []string
	for i := range entered {
		list = append(list, fmt.Sprintf("zoo-%02d.tar", i))
	}
	m, err := newMount(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	require(t, "fuse")
	m.start(t, program(t), manyOf(t, list...))
	t.Cleanup(func() { m.stop(t) })

	first := filepath.Join(m.point, list[0])
	file, err := os.Open(filepath.Join(first, "archive/config.dump"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	inside, err := os.OpenRoot(filepath.Join(m.point, list[1], "procs"))
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	for _, name := range list {
		isFixture(t, filepath.Join(m.point, name), "zoo")
	}
	if n := m.descriptors(t, kept+others); n > kept+others {
		t.Errorf("the daemon has %d files open after %d archives were entered", n, entered)
	}
	want := read(t, sharedMount(t, "zoo"), "archive/config.dump")
	got := make([]byte, len(want))
	if _, err := file.ReadAt(got, 0); err != nil || string(got) != want {
		t.Errorf("a file that is open all the time: %v, or other content", err)
	}
	want = read(t, sharedMount(t, "zoo"), "procs/1/maps")
	if b, err := inside.ReadFile("1/maps"); err != nil || string(b) != want {
		t.Errorf("a file below a directory that is open all the time: %v, or other content", err)
	}
	isFixture(t, first, "zoo")
}

// descriptors is how many files the mount's daemon has open, as soon as there
// are no more than limit, or after half a minute.
func (m *mounted) descriptors(t testing.TB, limit int) int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n := 0
		for _, pid := range m.processes() {
			n += len(names(t, fmt.Sprintf("/proc/%d/fd", pid)))
		}
		if n == 0 {
			t.Fatal("no daemon found")
		}
		if n <= limit || time.Now().After(deadline) {
			return n
		}
	}
}

// A directory that is a checkpoint is that one, whatever archives are in it;
// with --rootfs or --parent a folder of many is refused.
func TestManyOrOne(t *testing.T) {
	one := t.TempDir()
	unpack(t, testdata("zoo", "checkpoint.tar.zst"), one)
	isProcs := filepath.Join(mount(t, one), "procs/1/maps")
	if got := read(t, isProcs); got == "" {
		t.Error("an unpacked checkpoint was not mounted as itself")
	}
	dir := manyOf(t, "zoo-1.tar")
	for _, flag := range []string{"--rootfs", "--parent"} {
		r := run(t, program(t), "mount", flag, dir, dir, t.TempDir())
		if r.code != 1 || len(lines(r.stderr)) != 1 {
			t.Errorf("ckptfs mount %s of a folder of many = %d, %q, want 1 and one line", flag, r.code, r.stderr)
		}
	}
}
