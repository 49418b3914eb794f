package decoder

import "fmt"

// SharedMemory is an object that processes map together: a memfd, a SysV
// segment or anonymous shared memory. The addresses of its page runs are
// offsets in the object; what is in no run was never touched, and is zeros.
//
// Source: pagemap-shmem-<shmid>.img (criu/shmem.c:dump_one_shmem).
type SharedMemory struct {
	Size     int64    // bytes; -1 where not recorded
	PageSize int      // bytes
	Capture  *Capture // nil where its pagemap is unusable
}

// mapped finds out what a mapping maps: an open file, or the object that the
// kernel makes for a piece of shared memory. Its files are looked for.
func (l *loader) mapped(v *VMA, shmid uint64, pageSize int) {
	switch {
	case v.Status.Has(StatusSysVIPC):
		s, ok := l.segments[shmid]
		size := int64(-1)
		if ok {
			// ipc/shm.c:newseg
			size = s.size
			v.File = &File{Kind: FileRegular, Path: fmt.Sprintf("/SYSV%08x", s.Key), Deleted: true, MountID: -1, Size: size, Ino: shmid, sysv: true}
		}
		v.Shared = l.sharedMemory(shmid, size, pageSize)
	case v.Status.Any(StatusFilePrivate | StatusFileShared):
		v.File = l.files[uint32(shmid)]
		switch {
		case v.File == nil:
		case v.File.Kind == FileMemfd:
			v.Shared = l.sharedMemory(uint64(v.File.shmid), v.File.Size, pageSize)
		default:
			l.back(v.File)
		}
	case v.Status.Has(StatusAnonShared):
		// mm/shmem.c:shmem_zero_setup; CRIU takes the inode number as shmid
		// (criu/proc_parse.c).
		v.File = &File{Kind: FileMemfd, Path: devZero, Deleted: true, MountID: -1, Size: -1, Ino: shmid}
		v.Shared = l.sharedMemory(shmid, -1, pageSize)
	}
}

// sharedMemory decodes an object, once.
func (l *loader) sharedMemory(id uint64, size int64, pageSize int) *SharedMemory {
	if s := l.shared[id]; s != nil {
		return s
	}
	s := &SharedMemory{Size: size, PageSize: pageSize}
	var err error
	if s.Capture, err = l.capture(fmt.Sprintf("shmem-%d", id), pageSize); err != nil {
		l.warn.Add(fmt.Errorf("shared memory %d is absent: %w", id, err))
	}
	l.shared[id] = s
	return s
}
