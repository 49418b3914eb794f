package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// SysvipcShm writes /proc/sysvipc/shm, a line for each shared-memory segment.
// CRIU does not save who used it last, and when. Its rss is what was captured.
//
// Source: ipc/shm.c:sysvipc_shm_proc_show.
func SysvipcShm(w io.Writer, ns decoder.IPCNamespace) error {
	b := bufio.NewWriter(w)
	b.WriteString("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n")
	for _, s := range ns.Segments {
		fmt.Fprintf(b, "%10d %10d  %4o %21d %5d %5d  %5d %5d %5d %5d %5d %10d %10d %10d %21d %21d\n",
			int32(s.Key), s.ID, s.Mode, s.Size, 0, 0, s.Attached, s.UID, s.GID, s.CreatorUID, s.CreatorGID, 0, 0, 0, captured(s.Memory), 0)
	}
	return b.Flush()
}

// captured is how many bytes of an object were captured.
func captured(m *decoder.SharedMemory) int64 {
	if m == nil || m.Capture == nil {
		return 0
	}
	return m.Capture.Bytes
}

// SysvipcSem writes /proc/sysvipc/sem, a line for each set of semaphores.
//
// Source: ipc/sem.c:sysvipc_sem_proc_show.
func SysvipcSem(w io.Writer, ns decoder.IPCNamespace) error {
	b := bufio.NewWriter(w)
	b.WriteString("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n")
	for _, s := range ns.Semaphores {
		fmt.Fprintf(b, "%10d %10d  %4o %10d %5d %5d %5d %5d %10d %10d\n",
			int32(s.Key), s.ID, s.Mode, len(s.Values), s.UID, s.GID, s.CreatorUID, s.CreatorGID, 0, 0)
	}
	return b.Flush()
}

// SysvipcMsg writes /proc/sysvipc/msg, a line for each queue of messages.
//
// Source: ipc/msg.c:sysvipc_msg_proc_show.
func SysvipcMsg(w io.Writer, ns decoder.IPCNamespace) error {
	b := bufio.NewWriter(w)
	b.WriteString("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n")
	for _, q := range ns.Queues {
		fmt.Fprintf(b, "%10d %10d  %4o  %10d %10d %5d %5d %5d %5d %5d %5d %10d %10d %10d\n",
			int32(q.Key), q.ID, q.Mode, q.Bytes(), len(q.Messages), 0, 0, q.UID, q.GID, q.CreatorUID, q.CreatorGID, 0, 0, 0)
	}
	return b.Flush()
}
