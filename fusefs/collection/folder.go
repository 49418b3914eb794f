package collection

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Folder is a directory with checkpoints in it. It is safe for concurrent use.
type Folder struct {
	root *os.Root

	mu    sync.Mutex
	known map[identity]archive.Likeness // what was found out of a file by its first bytes
}

// Item is a file or directory that may be a checkpoint.
type Item struct {
	Name    string
	IsDir   bool
	Size    int64 // bytes; of a directory, 0
	ModTime time.Time

	id       identity
	likeness archive.Likeness
}

// identity is what changes where a file is replaced or written to.
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime syscall.Timespec
}

// OpenFolder opens a directory.
func OpenFolder(path string) (*Folder, error) {
	// What is no directory may be a FIFO, which would make us wait.
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root, known: make(map[identity]archive.Likeness)}, nil
}

// Close closes the directory. What was opened in it stays open.
func (f *Folder) Close() error { return f.root.Close() }

// ModTime is when an entry was last added or removed.
func (f *Folder) ModTime() time.Time {
	info, err := f.root.Stat(".")
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// List lists what may be a checkpoint, sorted by name: files that are archives
// by their content, or that might be damaged ones, and directories in which
// engines or CRIU keep one. Symbolic links are left out, for they could lead
// anywhere.
func (f *Folder) List() ([]Item, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	var items []Item
	seen := make(map[identity]archive.Likeness, len(names))
	for _, name := range names {
		item, err := f.look(name)
		if err != nil {
			continue // it is gone
		}
		seen[item.id] = item.likeness
		if item.likeness != archive.Unlike {
			items = append(items, item)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = seen
	return items, nil
}

func (f *Folder) names() ([]string, error) {
	d, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// Stat is the item of that name; the error is [fs.ErrNotExist] where there is
// none.
func (f *Folder) Stat(name string) (Item, error) {
	item, err := f.look(name)
	if err == nil && item.likeness == archive.Unlike {
		err = fs.ErrNotExist
	}
	return item, err
}

// look finds out what has that name. What a file is like is found out once.
func (f *Folder) look(name string) (Item, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return Item{}, err
	}
	item := itemOf(name, info)
	if !info.IsDir() && !info.Mode().IsRegular() {
		return item, nil
	}
	f.mu.Lock()
	likeness, ok := f.known[item.id]
	f.mu.Unlock()
	if !ok {
		likeness = f.liken(item)
		f.mu.Lock()
		f.known[item.id] = likeness
		f.mu.Unlock()
	}
	item.likeness = likeness
	return item, nil
}

func (f *Folder) liken(item Item) archive.Likeness {
	file, err := f.open(item)
	if err != nil {
		return archive.Unknown
	}
	defer file.Close()
	if item.IsDir {
		if marked(file) {
			return archive.Alike
		}
		return archive.Unlike
	}
	likeness, _ := archive.Liken(file)
	return likeness
}

var errChanged = errors.New("it is being replaced: another file has its name by now")

// Open opens an item, which must still be the one that was found, and of which
// nobody writes the file.
func (f *Folder) Open(item Item) (*os.File, error) {
	file, err := f.open(item)
	if err == nil && !item.IsDir && beingWritten(file) {
		file.Close()
		return nil, errWriting
	}
	return file, err
}

func (f *Folder) open(item Item) (*os.File, error) {
	// O_NONBLOCK: it may by now be a FIFO, which would make us wait.
	file, err := f.root.OpenFile(item.Name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && itemOf(item.Name, info).id != item.id {
		err = errChanged
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func itemOf(name string, info fs.FileInfo) Item {
	item := Item{Name: name, IsDir: info.IsDir(), ModTime: info.ModTime()}
	if !item.IsDir {
		item.Size = info.Size()
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		item.id = identity{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
	}
	return item
}
