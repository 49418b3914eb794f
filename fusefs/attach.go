package fusefs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// Attach mounts on the directory mountpoint what is served over the connection
// that it returns: whoever gets that calls [Serve]. So one process can mount, in
// namespaces of its own, and another serve. It takes the right to mount.
func Attach(mountpoint string, opts Options) (connection int, err error) {
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

// Serve serves root over a connection. Nobody may look into the mount before it
// returns.
func Serve(connection int, root tree.Dir, opts Options) (*Server, error) {
	return serve(openMount(connection), root, opts, mountOptions(opts))
}
