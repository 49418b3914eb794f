package decoder

import "time"

// Object is something that holds bytes and has no name in the container's file
// systems, because it was deleted or never had one: a deleted file, memory
// that is shared, what was on its way through a pipe or a socket.
type Object struct {
	Kind   ObjectKind
	ID     uint64 // inode number of a pipe, a socket or shared memory; id of a SysV object; CRIU's number of what else there is
	NS     uint32 // of a SysV object: CRIU's id of its namespace
	Key    uint32 // of a SysV object
	Part   string // which part of the object it is, such as "recv"; "" for all of it
	Name   string // as the processes saw it: path, name of a memfd, socket:[4711]; "" where not known
	Owners []Owner

	Unlinked     bool   // it had no name left, or never one: st_nlink was 0
	Mode         uint32 // st_mode; 0 where not recorded
	UID, GID     uint32
	ATime, MTime time.Time // zero where not recorded
	Seals        uint32    // of a memfd: F_SEAL_ bits
	Target       string    // of a symbolic link
	Rdev         Dev       // of a device
	Rights       []*File   // open files that are passed with a message

	Bytes  *Backing      // nil for what has no bytes, and for shared memory
	Memory *SharedMemory // of shared memory whose pages are captured; nil for others
	Err    error         // why the bytes cannot be had although they should be there
}

// ObjectKind tells the kinds of objects apart.
type ObjectKind string

// The kinds of objects.
const (
	ObjectFile         ObjectKind = "file" // a deleted one, of the type that its mode says
	ObjectMemfd        ObjectKind = "memfd"
	ObjectSharedMemory ObjectKind = "shm"      // of MAP_SHARED|MAP_ANONYMOUS
	ObjectSegment      ObjectKind = "sysv-shm" // shmget(2)
	ObjectMessage      ObjectKind = "sysv-msg" // in a queue of msgget(2)
	ObjectPipe         ObjectKind = "pipe"
	ObjectFIFO         ObjectKind = "fifo"
	ObjectUnix         ObjectKind = "unix"
	ObjectTCP          ObjectKind = "tcp"
	ObjectSocket       ObjectKind = "socket" // one of which nothing more is known
	ObjectTTY          ObjectKind = "tty"
)

// Owner is a way in which a process, or a message, held an object.
type Owner struct {
	PID int // 0 for a message
	Via Via
	N   uint64 // the descriptor, the address or the socket
}

// Via tells these ways apart.
type Via uint8

// The ways to hold an object. A process's come in this order.
const (
	ViaExe Via = iota
	ViaCWD
	ViaRoot
	ViaDescriptor
	ViaMapping // its first one
	ViaMessage // a descriptor on its way through a socket
)

// Regular tells whether the object is a file of bytes, and no directory, link,
// device or FIFO that was deleted.
func (o *Object) Regular() bool {
	const typeMask, regular = 0o170000, 0o100000
	return o.Mode&typeMask == regular || o.Mode&typeMask == 0
}

// Known tells whether the bytes of the object are to be had, as far as can be
// told without reading them.
func (o *Object) Known() bool {
	return o.Bytes != nil || o.Memory != nil && o.Memory.Capture != nil
}

// Objects lists the objects of the checkpoint, in the order of their kinds.
// They are found at the first call, by reading the entries of the images that
// hold them and none of their bytes.
func (c *Checkpoint) Objects() []*Object { return c.loader.found().list }

// ObjectOf is the object whose bytes a read of f gave, nil for none. Of a
// socket that holds several messages it is the first.
func (c *Checkpoint) ObjectOf(f *File) *Object {
	key := f.objectKey()
	if key == (objectKey{}) {
		return nil
	}
	for _, o := range c.loader.found().byKey[key] {
		if o.Regular() {
			return o
		}
	}
	return nil
}

// objectKey is by what the images refer to an object: a kind of number and the
// number.
type objectKey struct {
	kind string
	id   uint64
}

// The kinds of numbers.
const (
	keyGhost  = "ghost"  // ghost-file-<id>.img
	keyLink   = "link"   // id of the file in files.img that stands for a deleted one
	keyMemory = "memory" // shmid of a memfd and of anonymous shared memory
	keySysV   = "sysv"   // id of a segment
	keyPipe   = "pipe"   // pipe_id, an inode number
	keyFIFO   = "fifo"   // the same of a FIFO
	keyQueue  = "queue"  // id of the socket in files.img
	keyTCP    = "tcp"    // inode number of the socket
	keyTTY    = "tty"    // id of the terminal in tty-info.img
)

// objectKey is that of the object whose bytes a read of f gives.
func (f *File) objectKey() objectKey {
	switch {
	case f.ghost != 0:
		return objectKey{keyGhost, uint64(f.ghost)}
	case f.linked != 0:
		return objectKey{keyLink, uint64(f.linked)}
	case f.sysv:
		return objectKey{keySysV, f.Ino}
	case f.Kind == FileMemfd:
		return objectKey{keyMemory, f.Ino}
	default:
		return f.queue
	}
}
