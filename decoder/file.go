package decoder

// File is an open file description, or what a mapping, a working directory
// or an executable refers to.
//
// Source: files.img, remap-fpath.img, memfd.img.
type File struct {
	ID       uint32
	Kind     FileKind
	Path     string   // as in the container; of a memfd, its name without "/memfd:"; of no file, the kernel's name: socket:[4711]
	Deleted  bool     // unlinked while in use
	Unlinked bool     // it had no name left, or never one: st_nlink was 0
	MountID  int      // mount entry in mountpoints-<id>.img; -1 where not recorded
	Dev      Dev      // device of the file system, where known
	Ino      uint64   // 0 where the checkpoint does not record it
	Mode     uint32   // st_mode; 0 where not recorded
	Flags    uint32   // of open(2), as F_GETFL gives them
	Pos      int64    // where the next read or write begins, in bytes
	Size     int64    // bytes at the time of the dump; -1 where not recorded
	BuildID  []byte   // GNU build-id of an ELF file, padded with zeros to whole words; nil where not recorded
	Sum      bool     // a checksum is recorded
	Backing  *Backing // its bytes; nil where they are nowhere to be had, or nobody maps it
	Refused  bool     // a file of that path was found and is not the one that was mapped
	Locks    []Lock   // on it, of whatever process
	Details  Details  // what only files of its kind have; nil for regular files and memfds

	looked bool      // Backing was looked for
	ghost  uint32    // id of the ghost file's image; 0 for none
	shmid  uint32    // of a memfd: its shared-memory object
	path   uint32    // of a FIFO or a terminal: the file that has its path; 0 for none
	linked uint32    // id of the file that stands for a deleted one; 0 for none
	sysv   bool      // a SysV segment
	queue  objectKey // of a pipe, a socket or a terminal: what was on its way through it
}

// Details is what only open files of one kind have: a pointer to [Pipe] and
// its like.
type Details interface{ details() }

// FileKind tells the kinds of files apart.
type FileKind uint8

// The kinds of files.
const (
	FileOther   FileKind = iota // socket, eventfd, ...
	FileRegular                 // reg file: anything with a path
	FileMemfd
)

// Dev is a device number.
type Dev struct{ Major, Minor uint32 }

// devZero is a device, and how the kernel calls MAP_SHARED|MAP_ANONYMOUS memory.
const devZero = "/dev/zero"

// KernelName is the path as the kernel shows it in /proc/pid/maps and in
// /proc/pid/exe: with " (deleted)" behind what has been unlinked.
//
// Source: fs/d_path.c:d_path, mm/memfd.c; a MAP_SHARED|MAP_ANONYMOUS mapping
// is a file named /dev/zero (mm/shmem.c:shmem_zero_setup), which CRIU stores
// as a memfd of that name.
func (f *File) KernelName() string {
	switch {
	case f.Kind == FileMemfd && f.Path == devZero:
		return devZero + " (deleted)"
	case f.Kind == FileMemfd:
		return "/memfd:" + f.Path + " (deleted)"
	case f.Deleted:
		return f.Path + " (deleted)"
	default:
		return f.Path
	}
}

// IsZero tells whether f is the device /dev/zero, whose private mappings are
// anonymous memory.
func (f *File) IsZero() bool {
	const typeMask, charDevice = 0o170000, 0o020000
	return f.Path == devZero && f.Mode&typeMask == charDevice
}
