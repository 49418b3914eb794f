package decoder

import (
	"fmt"
	"slices"

	file_lock "github.com/checkpoint-restore/go-criu/v7/crit/images/file-lock"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Lock is a lock on an open file, or a lease.
//
// Source: filelocks.img.
type Lock struct {
	Kind     LockKind
	Type     LockType
	Breaking bool  // of a lease: the kernel has asked for it back
	PID      int   // who holds it; of several that may, the first
	Start    int64 // bytes
	Len      int64 // bytes; 0: up to the end of the file, wherever that is

	table uint32 // of the descriptors of the holder
}

// LockKind tells apart by whom a lock is held.
//
// Source: criu/include/file-lock.h.
type LockKind uint32

// The kinds of locks.
const (
	LockPOSIX LockKind = 1 // FL_POSIX: fcntl(2), held by a table of descriptors
	LockBSD   LockKind = 2 // FL_FLOCK: flock(2), held by an open file
	LockOFD   LockKind = 4 // FL_OFD: fcntl(2), held by an open file
	LockLease LockKind = 8 // FL_LEASE: fcntl(2), F_SETLEASE
)

// LockType is what a lock is for.
type LockType uint32

// The types of locks, F_RDLCK and its siblings of fcntl(2).
const (
	LockRead   LockType = 0
	LockWrite  LockType = 1
	LockUnlock LockType = 2
)

// HeldBy tells whether the lock is one of p's. Those of POSIX belong to a table of
// descriptors, and are not inherited; all others belong to the open file.
func (k Lock) HeldBy(p *Process) bool {
	return k.Kind != LockPOSIX || p.IDs != nil && p.IDs.Files == k.table
}

// maxLocks bounds the locks of a checkpoint.
const maxLocks = 1 << 16

// locks gives the locks to the files that they are on. CRIU says by whom they
// were held, on which of its descriptors.
//
// Source: criu/file-lock.c:dump_file_locks.
func (l *loader) locks(processes []*Process) {
	byPID := make(map[int32]*Process, len(processes))
	for _, p := range processes {
		byPID[int32(p.PID)] = p
	}
	name := l.name("filelocks.img")
	n := 0
	err := each(l.images, name, criu.MagicFileLocks, func(e *file_lock.FileLockEntry, _ *criu.Reader) error {
		if n++; n > maxLocks {
			return fmt.Errorf("more than %d locks", maxLocks)
		}
		p := byPID[e.GetPid()]
		f := p.openFile(int(e.GetFd()))
		if f == nil {
			l.warn.Addf("%s: a lock of process %d on descriptor %d, which there is not", name, e.GetPid(), e.GetFd())
			return nil
		}
		const breaking = 4 // LEASE_BREAKING
		lease := LockKind(e.GetFlag()) == LockLease
		k := Lock{
			Kind: LockKind(e.GetFlag()), Type: LockType(e.GetType()), PID: p.PID,
			Start: e.GetStart(), Len: e.GetLen(), table: p.IDs.Files,
		}
		if lease && k.Type&breaking != 0 {
			k.Type, k.Breaking = k.Type&^breaking, true
		}
		f.Locks = append(f.Locks, k)
		return nil
	})
	l.warn.Add(optional(err))
}

// openFile is the file of a descriptor, or nil.
func (p *Process) openFile(fd int) *File {
	if p == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(p.Descriptors, fd, func(d Descriptor, fd int) int { return d.FD - fd })
	if !found {
		return nil
	}
	return p.Descriptors[i].File
}
