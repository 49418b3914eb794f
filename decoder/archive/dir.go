package archive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxDepth is how deep directories are walked.
const maxDepth = 128

// openDir lists a directory, which may be an unpacked archive or what CRIU or
// runc wrote. Symbolic links are members, and never followed.
func openDir(f *os.File) (*Archive, error) {
	defer f.Close()
	// By the descriptor, so that it is the directory that was looked at.
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, err
	}
	files := &openFiles{root: root}
	a := &Archive{form: "directory", closer: files}
	w := dirWalk{archive: a, files: files, names: make(map[inode]*Member)}
	if err := w.walk(".", 0); err != nil {
		files.Close()
		return nil, err
	}
	a.settle()
	return a, nil
}

// dirWalk lists a directory into an archive.
type dirWalk struct {
	archive *Archive
	files   *openFiles
	names   map[inode]*Member // files with several names: the first member
}

type inode struct{ dev, ino uint64 }

func (w *dirWalk) walk(dir string, depth int) error {
	d, err := w.files.root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		name := e.Name()
		if dir != "." {
			name = dir + "/" + name
		}
		if err := w.member(name, e, depth); err != nil {
			w.archive.damage.add(fmt.Errorf("member %s: %w, left out", quote(name), err))
		}
	}
	return nil
}

func (w *dirWalk) member(name string, e os.DirEntry, depth int) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.ErrUnsupported
	}
	m := &Member{
		Perm: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid,
		ModTime: time.Unix(st.Mtim.Unix()), AccessTime: time.Unix(st.Atim.Unix()), ChangeTime: time.Unix(st.Ctim.Unix()),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m.Type = TypeDirectory
		w.archive.add(m, name)
		if depth == maxDepth {
			return errors.New("too deep to be listed")
		}
		return w.walk(name, depth+1)
	case unix.S_IFLNK:
		m.Type = TypeSymlink
		if m.Target, err = w.files.root.Readlink(name); err != nil {
			return err
		}
	case unix.S_IFIFO:
		m.Type = TypeFIFO
	case unix.S_IFSOCK:
		m.Type = TypeSocket
	case unix.S_IFCHR, unix.S_IFBLK:
		m.Type, m.Major, m.Minor = TypeChar, unix.Major(st.Rdev), unix.Minor(st.Rdev)
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			m.Type = TypeBlock
		}
	default:
		return w.file(m, name, st)
	}
	w.archive.add(m, name)
	return nil
}

func (w *dirWalk) file(m *Member, name string, st *syscall.Stat_t) error {
	if first := w.names[inode{st.Dev, st.Ino}]; first != nil {
		w.archive.addLink(m, name, first.Name)
		return nil
	}
	m.size = st.Size
	m.body = &fileBody{
		files: w.files, name: name, inode: inode{st.Dev, st.Ino},
		state: state{st.Size, st.Mtim.Sec, st.Mtim.Nsec}, data: min(st.Blocks*512, st.Size),
	}
	w.archive.size += st.Size
	w.archive.add(m, name)
	if st.Nlink > 1 {
		w.names[inode{st.Dev, st.Ino}] = m
	}
	return nil
}

// fileBody is a body that is a file of its own.
type fileBody struct {
	files *openFiles
	name  string
	inode inode
	state state // when the directory was listed
	data  int64 // bytes not in holes when the directory was listed
}

func (b *fileBody) dataSize() int64 { return b.data }

func (b *fileBody) ReadAt(p []byte, off int64) (int, error) {
	f, err := b.files.acquire(b.name, b.inode, b.state)
	if err != nil {
		return 0, err
	}
	defer b.files.release(f)
	return f.ReadAt(p, off)
}

func (b *fileBody) nextData(off int64) (int64, error) { return b.seek(off, unix.SEEK_DATA) }
func (b *fileBody) nextHole(off int64) (int64, error) { return b.seek(off, unix.SEEK_HOLE) }

func (b *fileBody) seek(off int64, whence int) (int64, error) {
	f, err := b.files.acquire(b.name, b.inode, b.state)
	if err != nil {
		return 0, err
	}
	defer b.files.release(f)
	// Others may seek the descriptor at the same time; nobody reads at its
	// position.
	next, err := unix.Seek(int(f.Fd()), off, whence)
	switch {
	case errors.Is(err, unix.ENXIO):
		return 0, io.EOF
	case err != nil:
		return 0, err
	case next >= b.state.size && whence == unix.SEEK_DATA:
		return 0, io.EOF // the file has grown
	default:
		return min(next, b.state.size), nil
	}
}
