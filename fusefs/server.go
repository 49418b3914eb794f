package fusefs

import (
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// ErrBusy is what [Unmount] returns where files in the mount are open or
// processes have their working directory there.
var ErrBusy = errors.New("busy")

// Server serves a mount. Its methods may be called concurrently.
type Server struct {
	server     *fuse.Server
	root       *rootNode
	mountpoint string
}

// Wait returns when the mount is gone, whoever took it away.
func (s *Server) Wait() { s.server.Wait() }

// Unmount takes the mount away and waits until nothing is served any more.
func (s *Server) Unmount() error {
	err := Unmount(s.mountpoint, false)
	if err == nil {
		s.Wait()
	}
	return err
}

// LetGo asks the kernel to give up what it keeps of an entry of the root. What
// of it is in use stays, and is given up later; the rest is asked for anew
// when somebody comes. A [tree.Session] is closed when all of it was given up.
//
// It waits for requests on the root, and must not be called while one is
// answered.
func (s *Server) LetGo(name string) {
	_ = s.root.NotifyEntry(name) // ENOENT: the kernel keeps nothing of it
}

// Detach takes a busy mount away from where it stands. Files that are open
// stay readable until the serving process ends, so there is nothing to wait
// for.
func (s *Server) Detach() error { return Unmount(s.mountpoint, true) }

// Unmount takes away the mount at a mount point, its serving process alive or
// not. Detach does so even if it is busy. Root does it by itself, other users
// through fusermount3.
func Unmount(mountpoint string, detach bool) error {
	if os.Geteuid() != 0 {
		return fuserunmount(mountpoint, detach)
	}
	flags := unix.UMOUNT_NOFOLLOW
	if detach {
		flags |= unix.MNT_DETACH
	}
	err := unix.Unmount(mountpoint, flags)
	if errors.Is(err, unix.EBUSY) {
		return ErrBusy
	}
	return err
}

func fuserunmount(mountpoint string, detach bool) error {
	args := []string{"-u", "--", mountpoint}
	if detach {
		args = append([]string{"-z"}, args...)
	}
	cmd := exec.Command("fusermount3", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // its words are looked at below
	err := run(cmd)
	if err != nil && strings.HasSuffix(err.Error(), "busy") {
		return ErrBusy
	}
	return err
}
