package fusefs

import (
	"fmt"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// Options are the settings of a server; the zero value serves.
type Options struct {
	// Size is what df(1) shows as the size, in bytes.
	Size int64
	// PID is what [PIDXattr] tells; 0 stands for this process.
	PID int
	// LinkUse tells what a thread does with a link. With it a
	// [tree.MagicLink] shows one thing and leads to another. It may be nil.
	LinkUse func(tid int) LinkUse
}

// Server serves a mount. Its methods may be called concurrently.
type Server struct {
	server *fuse.Server
	root   *rootNode
}

// Serve serves root over a connection that [Mount] or [Attach] returned. The
// process need not be able to open any file.
func Serve(connection int, root tree.Dir, opts Options) (*Server, error) {
	node := newRoot(root, opts)
	mount := fmt.Sprintf("/dev/fd/%d", connection) // what go-fuse takes for a mount that is there already
	server, err := fuse.NewServer(fs.NewNodeFS(node, nodeOptions()), mount, serverOptions(opts))
	if err != nil {
		return nil, err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, err
	}
	return &Server{server, node}, nil
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

func serverOptions(opts Options) *fuse.MountOptions {
	return &fuse.MountOptions{
		MaxWrite:             maxRequest, // bounds reads as well
		MaxReadAhead:         maxRequest,
		EnableSymlinkCaching: opts.LinkUse == nil, // else it depends on who asks
		DisableSplice:        true,                // it costs three system calls a read and gains nothing on plain data
	}
}

// Wait returns when the mount is gone, whoever took it away.
func (s *Server) Wait() { s.server.Wait() }

// LetGo asks the kernel to give up what it keeps of an entry of the root. What
// of it is in use stays, and is given up later; the rest is asked for anew
// when somebody comes. A [tree.Session] is closed when all of it was given up.
//
// It waits for requests on the root, and must not be called while one is
// answered.
func (s *Server) LetGo(name string) {
	_ = s.root.NotifyEntry(name) // ENOENT: the kernel keeps nothing of it
}
