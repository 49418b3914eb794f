package procfmt

import (
	"bufio"
	"fmt"

	"github.com/ckptfs/ckptfs/decoder"
)

// lockKinds are the kernel's names of kinds of locks.
//
// Source: fs/locks.c:lock_get_status.
var lockKinds = map[decoder.LockKind]string{
	decoder.LockPOSIX: "POSIX  ADVISORY  ",
	decoder.LockBSD:   "FLOCK  ADVISORY  ",
	decoder.LockOFD:   "OFDLCK ADVISORY  ",
	decoder.LockLease: "LEASE  ACTIVE    ",
}

// writeLocks writes the locks on a file that are p's, numbered from 1:
//
//	lock:	1: FLOCK  ADVISORY  WRITE 1 00:28:1139616 0 EOF
//
// Source: fs/locks.c:show_fd_locks, lock_get_status.
func writeLocks(b *bufio.Writer, p *decoder.Process, f *decoder.File) {
	n := 0
	for _, k := range f.Locks {
		if !k.HeldBy(p) {
			continue
		}
		n++
		kind, ok := lockKinds[k.Kind]
		switch {
		case !ok:
			kind = "UNKNOWN UNKNOWN  "
		case k.Breaking:
			kind = "LEASE  BREAKING  "
		}
		pid := k.PID
		if k.Kind == decoder.LockOFD {
			pid = -1 // it is no process's
		}
		fmt.Fprintf(b, "lock:\t%d: %s%s %d %02x:%02x:%d %s\n", n, kind, lockType(k.Type), pid, f.Dev.Major, f.Dev.Minor, f.Ino, lockRange(k))
	}
}

func lockType(t decoder.LockType) string {
	switch t {
	case decoder.LockWrite:
		return "WRITE"
	case decoder.LockRead:
		return "READ"
	default:
		return "UNLCK"
	}
}

// lockRange is the first and the last byte of a lock. Only those of fcntl(2)
// have one.
func lockRange(k decoder.Lock) string {
	switch {
	case k.Kind != decoder.LockPOSIX && k.Kind != decoder.LockOFD:
		return "0 EOF"
	case k.Len == 0:
		return fmt.Sprintf("%d EOF", k.Start)
	default:
		return fmt.Sprintf("%d %d", k.Start, k.Start+k.Len-1)
	}
}
