package fusefs

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Type is the type of the mounts that [Mount] makes, as /proc/self/mountinfo
// shows it.
const Type = "fuse." + subtype

const subtype = "ckptfs"

// maxRequest is the most that the kernel asks for at once, in bytes. The
// first read of a file is bound by the number of requests: 128 KiB, the
// default, gives half the speed.
const maxRequest = 1 << 20

// MountOptions are the settings of a mount; the zero value serves.
type MountOptions struct {
	// AllowOther lets other users reach the mount. Those who are not root
	// may set it only if /etc/fuse.conf has user_allow_other.
	AllowOther bool
	// NoSymFollow makes the kernel refuse to follow the mount's symbolic
	// links. It has no effect for those who are not root.
	NoSymFollow bool
	// FSName is what mount(8) and df(1) show as the source.
	FSName string
}

// Mount mounts on the directory mountpoint what is served over the connection
// that it returns: whoever gets that calls [Serve]. So one process can mount,
// and another serve. Root mounts by itself, other users through fusermount3.
func Mount(mountpoint string, opts MountOptions) (connection int, err error) {
	if os.Geteuid() != 0 {
		return fusermount(mountpoint, opts)
	}
	return Attach(mountpoint, opts)
}

// Attach is Mount for those who have the right to mount, be it in namespaces
// of their own.
func Attach(mountpoint string, opts MountOptions) (connection int, err error) {
	connection, err = unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: "/dev/fuse", Err: err}
	}
	data := fmt.Sprintf("fd=%d,rootmode=%o,user_id=%d,group_id=%d,max_read=%d",
		connection, unix.S_IFDIR, os.Geteuid(), os.Getegid(), maxRequest)
	if opts.AllowOther {
		data += ",allow_other"
	}
	if err := unix.Mount(opts.FSName, mountpoint, Type, flags(opts), data); err != nil {
		_ = unix.Close(connection)
		return 0, os.NewSyscallError("mount", err)
	}
	return connection, nil
}

func flags(opts MountOptions) uintptr {
	f := uintptr(unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if opts.NoSymFollow {
		f |= unix.MS_NOSYMFOLLOW
	}
	return f
}

// EnlargeReadahead raises the readahead of a mount that is served to what a
// request can hold; the server can only lower it. Root alone may do so, and
// where it fails the mount is merely slower.
func EnlargeReadahead(mountpoint string) {
	var st syscall.Stat_t
	if syscall.Stat(mountpoint, &st) != nil {
		return
	}
	name := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev))
	_ = os.WriteFile(name, fmt.Append(nil, maxRequest/1024), 0)
}

// ErrBusy is what [Unmount] returns where files in the mount are open or
// processes have their working directory there.
var ErrBusy = errors.New("busy")

// Unmount takes away the mount at a mount point, its serving process alive or
// not. Detach does so even if it is busy: what is open stays readable until the
// serving process ends. Root does it by itself, other users through
// fusermount3.
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
