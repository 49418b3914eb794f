package decoder

import (
	"bytes"

	sk_unix "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-unix"
)

// UnixSocket is what a socket of the family AF_UNIX has.
type UnixSocket struct {
	// Name is the address as in sun_path: a path and the NUL behind it, or an
	// abstract name, which begins with a NUL and may hold more of them. Empty:
	// none.
	Name    []byte
	Dir     string // the directory that a relative path begins at, where it is recorded
	Peer    uint32 // inode number of the other end; 0: none. Of a connection that nobody accepted yet, it is the listening socket.
	Deleted bool   // its path was unlinked
	Perms   *FilePerms
}

// FilePerms is who may use the file that a UNIX socket is bound to.
type FilePerms struct {
	Mode     uint32 // st_mode
	UID, GID uint32
}

// unixSocket decodes a UNIX socket.
func unixSocket(e *sk_unix.UnixSkEntry) *Socket {
	u := &UnixSocket{Name: unixAddress(e), Dir: cText(e.GetNameDir()[:min(len(e.GetNameDir()), maxPath)]), Peer: e.GetPeer(), Deleted: e.GetDeleted()}
	if p := e.GetFilePerms(); p != nil {
		u.Perms = &FilePerms{p.GetMode(), p.GetUid(), p.GetGid()}
	}
	return &Socket{
		NS: e.GetNsId(), Ino: e.GetIno(), Type: SocketType(e.GetType()),
		State: SocketState(e.GetState()), Backlog: e.GetBacklog(), Shutdown: Shutdown(e.GetShutdown()),
		Options: socketOptions(e.GetOpts()), Unix: u,
	}
}

// unixAddress is the address of a UNIX socket, of which the kernel has room for
// 108 bytes and the NUL that CRIU counts (include/uapi/linux/un.h:UNIX_PATH_MAX).
func unixAddress(e *sk_unix.UnixSkEntry) []byte {
	const longest = 109
	return e.GetName()[:min(len(e.GetName()), longest)]
}

// KernelName is the name as the kernel prints it: without the NUL behind a
// path, and with an @ for every other NUL.
//
// Source: net/unix/af_unix.c:unix_seq_show.
func (u *UnixSocket) KernelName() string {
	name := u.Name
	if len(name) > 0 && name[0] != 0 {
		name = bytes.TrimSuffix(name, []byte{0})
	}
	return string(bytes.ReplaceAll(name, []byte{0}, []byte("@")))
}
