package fusefs

import (
	"fmt"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// Type is the type of the mounts that [Mount] makes, as /proc/self/mountinfo
// shows it.
const Type = "fuse." + subtype

const subtype = "ckptfs"

// maxRequest is the most that the kernel asks for at once, in bytes. The
// first read of a file is bound by the number of requests: 128 KiB, the
// default, gives half the speed.
const maxRequest = 1 << 20

// Options are the settings of a mount; the zero value serves.
type Options struct {
	// AllowOther lets other users reach the mount. Those who are not root
	// may set it only if /etc/fuse.conf has user_allow_other.
	AllowOther bool
	// NoSymFollow makes the kernel refuse to follow the mount's symbolic
	// links. It has no effect for those who are not root.
	NoSymFollow bool
	// FSName is what mount(8) and df(1) show as the source.
	FSName string
	// Size is what df(1) shows as the size, in bytes.
	Size int64
	// ReadsLink tells whether a thread asks for the text of a link, rather
	// than following it. With it a [tree.MagicLink] shows one thing and leads
	// to another. It may be nil.
	ReadsLink func(tid int) bool
}

// Mount mounts root on the directory mountpoint and serves it. The mount is
// ready when Mount returns. Root mounts by itself, other users through
// fusermount3.
func Mount(mountpoint string, root tree.Dir, opts Options) (*Server, error) {
	fuseOptions := mountOptions(opts)
	target := mountpoint
	if os.Geteuid() == 0 {
		fuseOptions.DirectMountStrict = true
	} else {
		fd, err := fusermount(mountpoint, opts)
		if err != nil {
			return nil, err
		}
		target = openMount(fd)
	}
	server, err := serve(target, root, opts, fuseOptions)
	if err != nil {
		_ = Unmount(mountpoint, true) // fusermount3 may have done its part
		return nil, err
	}
	server.mountpoint = mountpoint
	enlargeReadahead(mountpoint)
	return server, nil
}

// openMount is what go-fuse takes for a mount that is there already, with the
// connection fd to the kernel.
func openMount(fd int) string { return fmt.Sprintf("/dev/fd/%d", fd) }

// serve serves root on a mount point or an open mount.
func serve(target string, root tree.Dir, opts Options, fuseOptions *fuse.MountOptions) (*Server, error) {
	node := newRoot(root, opts)
	server, err := fuse.NewServer(fs.NewNodeFS(node, nodeOptions()), target, fuseOptions)
	if err != nil {
		return nil, err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, err
	}
	return &Server{server: server, root: node}, nil
}

func nodeOptions() *fs.Options {
	timeout := keep // go-fuse wants pointers
	return &fs.Options{
		NegativeTimeout: &timeout,
		// EntryTimeout and AttrTimeout stay nil, as nodes set their own:
		// go-fuse would put them in the place of a 0.
		NullPermissions: true, // else mode 0 becomes 0644
		RootStableAttr:  &fs.StableAttr{Ino: rootInode},
	}
}

func mountOptions(opts Options) *fuse.MountOptions {
	return &fuse.MountOptions{
		AllowOther:           opts.AllowOther,
		FsName:               opts.FSName,
		Name:                 subtype,
		MaxWrite:             maxRequest, // bounds reads as well
		MaxReadAhead:         maxRequest,
		EnableSymlinkCaching: opts.ReadsLink == nil, // else it depends on who asks
		DisableSplice:        true,                  // it costs three system calls a read and gains nothing on plain data
		DirectMountFlags:     flags(opts),
	}
}

func flags(opts Options) uintptr {
	f := uintptr(unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if opts.NoSymFollow {
		f |= unix.MS_NOSYMFOLLOW
	}
	return f
}

// enlargeReadahead raises the readahead of the mount to what a request can
// hold; MaxReadAhead can only lower it. Root alone may do so, and where it
// fails the mount is merely slower.
func enlargeReadahead(mountpoint string) {
	var st syscall.Stat_t
	if syscall.Stat(mountpoint, &st) != nil {
		return
	}
	name := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev))
	_ = os.WriteFile(name, fmt.Append(nil, maxRequest/1024), 0)
}
