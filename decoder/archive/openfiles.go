package archive

import (
	"container/list"
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxOpen is how many files of a directory are kept open. A checkpoint has
// thousands of images, and a process often only 1024 descriptors.
const maxOpen = 64

// openFiles opens the files of a directory as they are needed and keeps the
// ones used last. It is safe for concurrent use.
type openFiles struct {
	root *os.Root

	mu     sync.Mutex
	byName map[string]*list.Element // of *openFile
	recent list.List                // used last in front
	closed bool
}

// openFile is a file and how many are at it. One that was pushed out while it
// was in use is closed by its last user.
type openFile struct {
	steadyFile
	name  string
	users int
	out   bool
}

// acquire opens the file of that name, which must still be that inode in that
// state.
func (o *openFiles) acquire(name string, want inode, in state) (*openFile, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, os.ErrClosed
	}
	if e := o.byName[name]; e != nil {
		o.recent.MoveToFront(e)
		f := e.Value.(*openFile)
		f.users++
		return f, nil
	}
	// What was a file may by now be a FIFO, which would make us wait, or a
	// link, which Root follows as long as it stays inside.
	file, err := o.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil || (inode{st.Dev, st.Ino}) != want {
		file.Close()
		return nil, errors.Join(err, errors.New("another file has its name by now"))
	}
	f := &openFile{steadyFile: steadyFile{file, in}, name: name, users: 1}
	if o.byName == nil {
		o.byName = make(map[string]*list.Element)
	}
	o.byName[name] = o.recent.PushFront(f)
	if o.recent.Len() > maxOpen {
		o.drop(o.recent.Back())
	}
	return f, nil
}

func (o *openFiles) release(f *openFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.users--; f.users == 0 && f.out {
		f.Close()
	}
}

func (o *openFiles) drop(e *list.Element) {
	f := o.recent.Remove(e).(*openFile)
	delete(o.byName, f.name)
	f.out = true
	if f.users == 0 {
		f.Close()
	}
}

// Close closes all files that nobody is at, and the others when they are
// released.
func (o *openFiles) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	for o.recent.Len() > 0 {
		o.drop(o.recent.Back())
	}
	return o.root.Close()
}
