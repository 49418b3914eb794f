package fusefs_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
)

// TestMount looks at one mount from all sides.
func TestMount(t *testing.T) {
	point := mounted(t)
	for _, tt := range []struct {
		name string
		test func(*testing.T, string)
	}{
		{"stat", testStat},
		{"read", testRead},
		{"unlinked", testUnlinked},
		{"bad page", testBadPage},
		{"errors", testErrors},
		{"links", testLinks},
		{"memory", testMemory},
		{"volatile", testVolatile},
		{"seek", testSeek},
		{"xattrs", testXattrs},
		{"read-only", testReadOnly},
		{"listing", testListing},
		{"statfs", testStatfs},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, point) })
	}
}

func stat(t *testing.T, name string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return st
}

// testLinks: one whose target no path can be is there, and cannot be read.
func testLinks(t *testing.T, point string) {
	if target, err := os.Readlink(point + "/link"); target != "small" || err != nil {
		t.Errorf("link reads %q, %v", target, err)
	}
	if target, err := os.Readlink(point + "/long"); !errors.Is(err, unix.ENAMETOOLONG) {
		t.Errorf("a link of 4096 bytes reads %d, %v, want ENAMETOOLONG", len(target), err)
	}
}

func testStat(t *testing.T, point string) {
	for _, tt := range []struct {
		name         string
		mode         uint32
		size, blocks int64
		nlink        int
	}{
		{"", unix.S_IFDIR | 0o555, 0, 0, 1},
		{"small", unix.S_IFREG | 0o6640, 6, 8, 1},
		{"plain", unix.S_IFREG | 0o444, 5<<20 + 7, 5<<11 + 8, 1},
		{"sparse", unix.S_IFREG | 0o444, 5 << 20, 1<<11 + 8, 1},
		{"mem", unix.S_IFREG | 0o444, 0, 0, 1},
		{"broken", unix.S_IFREG | 0o444, 0, 0, 1},
		{"link", unix.S_IFLNK | 0o777, 5, 0, 1},
		{"hard1", unix.S_IFREG, 1, 8, 2},
		{"whiteout", unix.S_IFCHR | 0o444, 0, 0, 1},
		{"xattrs", unix.S_IFDIR | 0o700, 0, 0, 1},
		{"deleted", unix.S_IFREG | 0o600, 5<<20 + 7, 5<<11 + 8, 0},
		{"deleted dir", unix.S_IFDIR | 0o700, 0, 0, 0},
		{oddName, unix.S_IFREG | 0o444, 0, 0, 1},
	} {
		st := stat(t, filepath.Join(point, tt.name))
		if st.Mode != tt.mode || st.Size != tt.size || st.Blocks != tt.blocks || int(st.Nlink) != tt.nlink || st.Blksize != 4096 {
			t.Errorf("%q: mode %#o, size %d, blocks %d, nlink %d, blksize %d; want %#o, %d, %d, %d, 4096",
				tt.name, st.Mode, st.Size, st.Blocks, st.Nlink, st.Blksize, tt.mode, tt.size, tt.blocks, tt.nlink)
		}
		if st.Ino == 0 || st.Ino >= 1<<53 || (st.Ino == 1) != (tt.name == "") {
			t.Errorf("%q: inode %d", tt.name, st.Ino)
		}
	}
	if st := stat(t, point+"/small"); st.Uid != 1 || st.Gid != 2 || st.Mtim.Nano() != when.UnixNano() || st.Ctim != st.Mtim || st.Atim != st.Mtim {
		t.Errorf("small: owner %d:%d, times %v %v %v", st.Uid, st.Gid, st.Mtim, st.Ctim, st.Atim)
	}
	if st := stat(t, point+"/xattrs"); st.Mtim.Sec != -86400 {
		t.Errorf("a time before 1970 is %v", st.Mtim)
	}
	if st := stat(t, point+"/hard2"); st.Ino != stat(t, point+"/hard1").Ino || st.Mtim.Sec != 0 {
		t.Errorf("hard2: inode %d, time %v; want hard1's and 0", st.Ino, st.Mtim)
	}
	if st := stat(t, point+"/disk"); unix.Major(st.Rdev) != 259 || unix.Minor(st.Rdev) != 70000 {
		t.Errorf("disk: device %d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
}

func testRead(t *testing.T, point string) {
	want, _ := io.ReadAll(io.NewSectionReader(pattern(5<<20+7), 0, 5<<20+7))
	got, err := os.ReadFile(point + "/plain")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("plain: %d bytes, %v", len(got), err)
	}
	f, err := os.Open(point + "/plain")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped, err := unix.Mmap(int(f.Fd()), 0, len(want), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapped)
	if !bytes.Equal(mapped, want) {
		t.Error("plain: mapped bytes differ")
	}
}

// testUnlinked: what has no links is read as others are, again and again, and from
// the page cache.
func testUnlinked(t *testing.T, point string) {
	for range 2 {
		for _, name := range []string{"deleted", "plain"} {
			f, err := os.Open(filepath.Join(point, name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(f)
			if want := make([]byte, 5<<20+7); err == nil {
				_, _ = pattern(len(want)).ReadAt(want, 0)
				if !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, other than they are", name, len(got))
				}
			} else {
				t.Errorf("%s: %v", name, err)
			}
			if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
				t.Error(err)
			}
			f.Close()
		}
		if list, err := os.ReadDir(point + "/deleted dir"); err != nil || len(list) > 0 {
			t.Errorf("deleted dir: %v, %v", list, err)
		}
	}
}

// testBadPage reads a file with one page that fails: all others are there,
// whatever the kernel reads ahead.
func testBadPage(t *testing.T, point string) {
	f, err := os.Open(point + "/bad")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int64{page, 1 << 16, 1 << 20} {
		before, err := io.ReadAll(io.NewSectionReader(f, 0, 4<<20))
		if len(before) != badPage || !errors.Is(err, syscall.EIO) {
			t.Errorf("read from the start: %d bytes, %v, want %d, EIO", len(before), err, int64(badPage))
		}
		buf := make([]byte, size)
		for off := int64(0); off < 4<<20; off += size {
			n, err := f.ReadAt(buf, off)
			want := min(size, 4<<20-off)
			if off <= badPage && badPage < off+size {
				want = badPage - off
			}
			if int64(n) != want || (err != nil) != (want < size) {
				t.Errorf("ReadAt(%d bytes, %#x) = %d, %v, want %d", size, off, n, err, want)
			}
			for i, b := range buf[:n] {
				if b != patternByte(off+int64(i)) {
					t.Fatalf("byte %#x is wrong", off+int64(i))
				}
			}
		}
	}
}

func testErrors(t *testing.T, point string) {
	for name, want := range map[string]error{
		"broken": syscall.EIO, "lying": syscall.EIO, "panics": syscall.EIO,
		"none": syscall.ENOENT, "small/x": syscall.ENOTDIR,
	} {
		if _, err := os.ReadFile(filepath.Join(point, name)); !errors.Is(err, want) {
			t.Errorf("reading %s: %v, want %v", name, err, want)
		}
	}
}

func testMemory(t *testing.T, point string) {
	f, err := os.Open(point + "/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 4<<20)
	for _, tt := range []struct {
		off  int64
		n    int
		want int // -1 for EIO
	}{
		{0, 10, -1},
		{0x10000, 10, 10},
		{0x10001, 0x3000, 0x2fff},
		{0x13000, 1, -1},
		{0x7fff00000ff0, 4 << 20, 0x1010},
		{0x7fffffffffff, 1, -1},
	} {
		n, err := unix.Pread(int(f.Fd()), buf[:tt.n], tt.off)
		if n != tt.want || (err != nil) != (tt.want < 0) || (err != nil && !errors.Is(err, unix.EIO)) {
			t.Errorf("pread(%d bytes, %#x) = %d, %v, want %d", tt.n, tt.off, n, err, tt.want)
		}
	}
	if all, err := os.ReadFile(point + "/mem"); len(all) > 0 || !errors.Is(err, syscall.EIO) {
		t.Errorf("read from address 0: %d bytes, %v, want EIO", len(all), err)
	}
}

func testVolatile(t *testing.T, point string) {
	last := 0
	for range 3 {
		b, err := os.ReadFile(point + "/now")
		if err != nil || len(b) <= last || len(b)%10000 != 0 || strings.Trim(string(b), "line\n") != "" {
			t.Errorf("%d bytes after %d, %v; want more, in whole thousands of lines", len(b), last, err)
		}
		last = len(b)
	}
}

func testSeek(t *testing.T, point string) {
	for _, tt := range []struct {
		name   string
		off    int64
		whence int
		want   int64 // -1 for ENXIO
	}{
		{"sparse", 0, unix.SEEK_DATA, 1 << 20},
		{"sparse", 1 << 20, unix.SEEK_HOLE, 2 << 20},
		{"sparse", 2 << 20, unix.SEEK_DATA, 3 << 20},
		{"sparse", 4 << 20, unix.SEEK_DATA, -1},
		{"sparse", 4 << 20, unix.SEEK_HOLE, 4 << 20},
		{"sparse", 5 << 20, unix.SEEK_HOLE, -1},
		{"sparse", 0, unix.SEEK_END, 5 << 20},
		{"small", 2, unix.SEEK_DATA, 2},
		{"small", 2, unix.SEEK_HOLE, 6},
		{"small", 6, unix.SEEK_HOLE, -1},
		{"mem", 0, unix.SEEK_DATA, 0x10000},
		{"mem", 0x10000, unix.SEEK_HOLE, 0x13000},
		{"mem", 0x13000, unix.SEEK_DATA, 0x7fff00000000},
		{"mem", 0x7fff00002000, unix.SEEK_DATA, -1},
	} {
		f, err := os.Open(filepath.Join(point, tt.name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := unix.Seek(int(f.Fd()), tt.off, tt.whence)
		f.Close()
		if got != tt.want || (err != nil) != (tt.want < 0) || (err != nil && !errors.Is(err, unix.ENXIO)) {
			t.Errorf("lseek(%s, %#x, %d) = %#x, %v, want %#x", tt.name, tt.off, tt.whence, got, err, tt.want)
		}
	}
}

func testXattrs(t *testing.T, point string) {
	buf := make([]byte, 100)
	name := point + "/xattrs"
	if n, err := unix.Listxattr(name, buf); string(buf[:max(n, 0)]) != "security.capability\x00user.a\x00user.b\x00" {
		t.Errorf("listxattr = %q, %v", buf[:max(n, 0)], err)
	}
	if n, err := unix.Listxattr(name, nil); n != 34 || err != nil {
		t.Errorf("listxattr of no buffer = %d, %v, want 34", n, err)
	}
	if _, err := unix.Listxattr(name, buf[:5]); !errors.Is(err, unix.ERANGE) {
		t.Errorf("listxattr of 5 bytes: %v, want ERANGE", err)
	}
	for _, tt := range []struct {
		name, xattr string
		size, want  int
		err         error
	}{
		{"xattrs", "user.a", 1, 1, nil},
		{"xattrs", "user.a", 0, 1, nil},
		{"xattrs", "user.b", 10, 0, nil},
		{"xattrs", "user.none", 10, 0, unix.ENODATA},
		{"xattrs", "security.capability", 20, 20, nil},
		{"xattrs", "security.capability", 19, 0, unix.ERANGE},
		{"small", "user.a", 10, 0, unix.ENODATA},
		{"link", "security.ckptfs.target", 10, 7, nil},
		{"link", "security.selinux", 10, 0, unix.EOPNOTSUPP},
	} {
		n, err := unix.Lgetxattr(filepath.Join(point, tt.name), tt.xattr, buf[:tt.size])
		if max(n, 0) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("lgetxattr(%s, %s, %d) = %d, %v, want %d, %v", tt.name, tt.xattr, tt.size, n, err, tt.want, tt.err)
		}
	}
	if n, err := unix.Getxattr(point, fusefs.PIDXattr, buf); err != nil || n == 0 {
		t.Errorf("%s: %d, %v", fusefs.PIDXattr, n, err)
	}
}

func testReadOnly(t *testing.T, point string) {
	f := point + "/small"
	for name, err := range map[string]error{
		"create":   os.WriteFile(point+"/new", nil, 0o600),
		"write":    os.WriteFile(f, nil, 0o600),
		"truncate": os.Truncate(f, 0),
		"remove":   os.Remove(f),
		"rename":   os.Rename(f, point+"/new"),
		"link":     os.Link(f, point+"/new"),
		"symlink":  os.Symlink("x", point+"/new"),
		"mkdir":    os.Mkdir(point+"/new", 0o700),
		"chmod":    os.Chmod(f, 0o600),
		"chown":    os.Lchown(f, 0, 0),
		"chtimes":  os.Chtimes(f, when, when),
		"setxattr": unix.Setxattr(f, "user.a", []byte("b"), 0),
		"access":   unix.Access(f, unix.W_OK),
	} {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v, want EROFS", name, err)
		}
	}
	if err := unix.Access(point+"/xattrs", unix.R_OK|unix.X_OK); err != nil {
		t.Errorf("access to a directory of root: %v", err)
	}
}

// testListing checks that d_ino is st_ino, and that large directories list
// whole.
func testListing(t *testing.T, point string) {
	f, err := os.Open(point)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 1<<16)
	n, err := unix.Getdents(int(f.Fd()), buf)
	if err != nil {
		t.Fatal(err)
	}
	for b := buf[:n]; len(b) > 0; {
		ino, length := uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|uint64(b[4])<<32|uint64(b[5])<<40|uint64(b[6])<<48|uint64(b[7])<<56, int(b[16])|int(b[17])<<8
		name, _, _ := strings.Cut(string(b[19:length]), "\x00")
		b = b[length:]
		if name == ".." {
			continue // the kernel's, at a mount point
		}
		if st := stat(t, filepath.Join(point, name)); st.Ino != ino {
			t.Errorf("%q: d_ino %d, st_ino %d", name, ino, st.Ino)
		}
	}
	if names, err := os.ReadDir(point); err != nil || len(names) != 20 {
		t.Errorf("root: %d entries, %v, want 20: all but the name that is too long", len(names), err)
	}
	if names, err := os.ReadDir(point + "/many"); err != nil || len(names) != manyFiles {
		t.Errorf("many: %d entries, %v, want %d", len(names), err, manyFiles)
	}
}

func testStatfs(t *testing.T, point string) {
	var st unix.Statfs_t
	if err := unix.Statfs(point, &st); err != nil {
		t.Fatal(err)
	}
	if st.Type != unix.FUSE_SUPER_MAGIC || st.Bsize != 4096 || st.Frsize != 4096 || st.Blocks != 4 || st.Bfree != 0 || st.Namelen != 255 {
		t.Errorf("statfs = %+v", st)
	}
	if want := int64(unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC); st.Flags&want != want {
		t.Errorf("flags = %#x, want %#x in them", st.Flags, want)
	}
}
