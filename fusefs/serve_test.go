package fusefs_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// serveEnv makes the test binary serve sample() on the mount point it names:
// the process that serves a mount must not read it.
const serveEnv = "CKPTFS_TEST_SERVE"

func TestMain(m *testing.M) {
	point := os.Getenv(serveEnv)
	if point == "" {
		m.Run()
		return
	}
	connection, err := fusefs.Mount(point, fusefs.MountOptions{FSName: "a,b\\c d"})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return
	}
	server, err := fusefs.Serve(connection, sample(), fusefs.Options{Size: 12345})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return
	}
	fmt.Fprintln(os.Stdout, "ready")
	server.Wait()
}

// mounted serves sample() from a child process until the test ends, and
// returns its mount point.
func mounted(t *testing.T) string {
	t.Helper()
	needFUSE(t)
	point := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), serveEnv+"="+point)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("server: %s", line)
	}
	t.Cleanup(func() {
		if err := fusefs.Unmount(point, false); err != nil {
			t.Error(err)
			_ = fusefs.Unmount(point, true)
			_ = child.Process.Kill()
		}
		if err := child.Wait(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return point
}

func needFUSE(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err == nil {
		f.Close()
		return
	}
	if strings.Contains(os.Getenv("CKPTFS_REQUIRE"), "fuse") {
		t.Fatal(err)
	}
	t.Skip(err)
}

var (
	when     = time.Unix(1700000000, 123456789)
	fileAttr = tree.Attr{Perm: 0o444, MTime: when}
	dirAttr  = tree.Attr{Perm: 0o555, MTime: when}
)

const (
	oddName   = "\xff\n\"\\"
	manyFiles = 100_000
	page      = 4096
	badPage   = 2<<20 + page // where the content of "bad" fails
)

func sample() tree.Dir {
	content := func(c tree.Content) tree.Node {
		return tree.ContentFile(fileAttr, func() (tree.Content, error) { return c, nil })
	}
	opened := 0
	return tree.NewDir(dirAttr, []tree.Entry{
		{Name: "small", Node: tree.Bytes(tree.Attr{Perm: 0o6640, UID: 1, GID: 2, MTime: when}, []byte("hello\n"))},
		{Name: "plain", Node: content(pattern(5<<20 + 7))},
		{Name: "bad", Node: content(failing{pattern(4 << 20)})},
		{Name: "lying", Node: content(lying{pattern(100)})},
		{Name: "sparse", Node: content(sparse{size: 5 << 20, data: [][2]int64{{1 << 20, 2 << 20}, {3 << 20, 3<<20 + 1}}})},
		{Name: "mem", Node: content(memory{sparse{size: 1 << 47, data: [][2]int64{{0x10000, 0x13000}, {0x7fff00000000, 0x7fff00002000}}}})},
		{Name: "broken", Node: tree.ContentFile(fileAttr, func() (tree.Content, error) { return nil, errors.New("bad image") })},
		{Name: "panics", Node: content(panics{})},
		{Name: "now", Node: tree.VolatileText(fileAttr, func(w io.Writer) error {
			opened++ // a race that harms no test
			_, err := io.WriteString(w, strings.Repeat("line\n", 2000*opened))
			return err
		})},
		{Name: "link", Node: tree.NewSymlink(tree.Attr{NoXattrs: true, Xattrs: map[string]string{"security.ckptfs.target": "/bin/sh"}}, "small")},
		{Name: "long", Node: tree.NewSymlink(tree.Attr{}, strings.Repeat("x", 4096))},
		{Name: "hard1", Node: tree.Bytes(tree.Attr{Nlink: 2, InodePath: "hard1"}, []byte("x"))},
		{Name: "hard2", Node: tree.Bytes(tree.Attr{Nlink: 2, InodePath: "hard1"}, []byte("x"))},
		{Name: "whiteout", Node: tree.NewSpecial(fileAttr, unix.S_IFCHR, 0, 0)},
		{Name: "disk", Node: tree.NewSpecial(fileAttr, unix.S_IFBLK, 259, 70000)},
		{Name: "xattrs", Node: tree.NewDir(tree.Attr{Perm: 0o700, MTime: time.Unix(-86400, 0), Xattrs: map[string]string{
			"user.a": "1", "user.b": "", "security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		}}, nil)},
		{Name: "deleted", Node: tree.ContentFile(tree.Attr{Perm: 0o600, Nlink: 2, Unlinked: true}, func() (tree.Content, error) { return pattern(5<<20 + 7), nil })},
		{Name: "deleted dir", Node: tree.NewDir(tree.Attr{Perm: 0o700, Unlinked: true}, nil)},
		{Name: oddName, Node: tree.Bytes(fileAttr, nil)},
		{Name: strings.Repeat("x", 2000), Node: tree.Bytes(fileAttr, nil)},
		{Name: "many", Node: tree.LazyDir(dirAttr, many)},
	})
}

func many() ([]tree.Entry, error) {
	entries := make([]tree.Entry, manyFiles)
	for i := range entries {
		entries[i] = tree.Entry{Name: fmt.Sprintf("file-%06d", i), Node: tree.Bytes(fileAttr, nil)}
	}
	return entries, nil
}

// pattern is a content of a size in which every byte tells its offset.
type pattern int64

func (p pattern) Size() int64 { return int64(p) }

func (p pattern) ReadAt(b []byte, off int64) (int, error) {
	for i := range b {
		if off+int64(i) >= int64(p) {
			return i, io.EOF
		}
		b[i] = patternByte(off + int64(i))
	}
	return len(b), nil
}

func patternByte(off int64) byte { return byte(off ^ off>>8 ^ off>>16) }

// failing fails where a read touches badPage.
type failing struct{ pattern }

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	if off < badPage+page && off+int64(len(b)) > badPage {
		n := max(0, badPage-off)
		_, _ = f.pattern.ReadAt(b[:n], off)
		return int(n), errors.New("bad page")
	}
	return f.pattern.ReadAt(b, off)
}

// lying says that it is longer than it is.
type lying struct{ pattern }

func (l lying) Size() int64 { return int64(l.pattern) + 1 }

type panics struct{}

func (panics) Size() int64                       { return 1 }
func (panics) ReadAt([]byte, int64) (int, error) { panic("in a content") }

// sparse reads as the pattern in its data and as zeros elsewhere.
type sparse struct {
	size int64
	data [][2]int64
}

func (s sparse) Size() int64 { return s.size }

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	for i := range b {
		at := off + int64(i)
		if at >= s.size {
			return i, io.EOF
		}
		if next, err := s.NextData(at); err == nil && next == at {
			b[i] = patternByte(at)
		}
	}
	return len(b), nil
}

func (s sparse) NextData(off int64) (int64, error) {
	for _, d := range s.data {
		if off < d[1] {
			return max(off, d[0]), nil
		}
	}
	return 0, io.EOF
}

func (s sparse) NextHole(off int64) (int64, error) {
	if off >= s.size {
		return 0, io.EOF
	}
	for _, d := range s.data {
		if d[0] <= off && off < d[1] {
			return d[1], nil
		}
	}
	return off, nil
}

func (s sparse) DataSize() (n int64) {
	for _, d := range s.data {
		n += d[1] - d[0]
	}
	return n
}

// memory has nothing where sparse has holes.
type memory struct{ sparse }

func (memory) Memory() {}

func (m memory) ReadAt(b []byte, off int64) (int, error) {
	if next, err := m.NextData(off); err != nil || next != off {
		return 0, errors.New("not mapped")
	}
	hole, _ := m.NextHole(off)
	if n := hole - off; n < int64(len(b)) {
		_, _ = m.sparse.ReadAt(b[:n], off)
		return int(n), errors.New("not mapped")
	}
	return m.sparse.ReadAt(b, off)
}
