package fusefs

import (
	"context"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// A session is a [tree.Session] and where it stands. The nil session is that
// of what belongs to none.
type session struct {
	tree.Session
	path string // in the mount
	gen  uint64 // sets its nodes apart from those of others; never 0
}

var sessions atomic.Uint64

func newSession(s tree.Session, path string) *session {
	return &session{s, path, sessions.Add(1)}
}

// use notes that a node is in use.
func (s *session) use() error {
	if s == nil {
		return nil
	}
	return s.Use()
}

// join is the path in the mount of what stands at a path of the session.
func (s *session) join(name string) string {
	if s == nil {
		return name
	}
	return join(s.path, name)
}

func (s *session) generation() uint64 {
	if s == nil {
		return 0
	}
	return s.gen
}

// A sessionNode is the top of a session. As long as the kernel knows one of
// the nodes below, be it for an open file or somebody's working directory, it
// knows this one, or go-fuse keeps it for the other's sake.
type sessionNode struct {
	dirNode
	entered atomic.Bool
}

// OnForget is called when nothing of the session is known to the kernel. A
// request that comes at the same moment may have put the node back in its
// place. It does not wait for an archive that is still being opened, for
// somebody who has gone.
func (n *sessionNode) OnForget() {
	if _, parent := n.Parent(); parent == nil {
		go func() { _ = n.in.Close() }() // it was only read
	}
}

func (n *sessionNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if e := n.enter(ctx); e != ok {
		return nil, e
	}
	return n.dirNode.Lookup(ctx, name, out)
}

func (n *sessionNode) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if e := n.enter(ctx); e != ok {
		return nil, 0, e
	}
	return n.dirNode.OpendirHandle(ctx, flags)
}

// enter opens the session, which may take long. Who will not wait for it any
// more can go: it is then opened for the next one.
func (n *sessionNode) enter(ctx context.Context) syscall.Errno {
	if n.entered.Load() {
		return ok
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// What goes wrong here does so again in the request, and is reported.
		defer func() { _ = recover() }()
		_, _ = n.dir.Entries()
		n.entered.Store(true)
	}()
	select {
	case <-done:
		return ok
	case <-ctx.Done():
		return errInterrupted
	}
}
