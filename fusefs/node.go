package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// A node is what all elements of the tree have in common. It holds no state:
// the kernel may forget it and have it made anew.
type node struct {
	fs.Inode
	elem tree.Node
	in   *session // to which it belongs; nil for none
}

// What a node does not implement is answered by go-fuse: requests that write
// never come, since the kernel turns them down on a read-only mount.
var (
	_ fs.NodeGetattrer   = (*node)(nil)
	_ fs.NodeAccesser    = (*node)(nil)
	_ fs.NodeStatfser    = (*node)(nil)
	_ fs.NodeGetxattrer  = (*node)(nil)
	_ fs.NodeListxattrer = (*node)(nil)

	_ fs.NodeLookuper       = (*dirNode)(nil)
	_ fs.NodeOpendirHandler = (*dirNode)(nil)
	_ fs.NodeOpener         = (*fileNode)(nil)
	_ fs.NodeReadlinker     = (*linkNode)(nil)
	_ fs.NodeGetxattrer     = (*rootNode)(nil)
	_ fs.NodeLookuper       = (*sessionNode)(nil)
	_ fs.NodeOpendirHandler = (*sessionNode)(nil)
	_ fs.NodeOnForgetter    = (*sessionNode)(nil)

	_ fs.FileReaddirenter = (*dirHandle)(nil)
	_ fs.FileSeekdirer    = (*dirHandle)(nil)
	_ fs.FileReader       = (*handle)(nil)
	_ fs.FileLseeker      = (*handle)(nil)
	_ fs.FileReader       = (*memoryHandle)(nil)
)

// newNode returns the go-fuse node of elem, which stands at the given path in
// the mount and belongs to a session, or to none.
func newNode(elem tree.Node, name string, in *session) fs.InodeEmbedder {
	switch elem := elem.(type) {
	case tree.Session:
		return &sessionNode{dirNode: dirNode{node: node{elem: elem, in: newSession(elem, name)}, dir: elem, path: name}}
	case tree.Dir:
		return &dirNode{node: node{elem: elem, in: in}, dir: elem, path: name}
	case tree.File:
		return &fileNode{node: node{elem: elem, in: in}, file: elem}
	case tree.Symlink:
		return &linkNode{node: node{elem: elem, in: in}, link: elem}
	default:
		return &node{elem: elem, in: in}
	}
}

func (n *node) Getattr(_ context.Context, h fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if err := n.in.use(); err != nil {
		return errno(err)
	}
	out.Attr = attrOf(n.elem, contentOf(h))
	out.SetTimeout(attrTimeout(n.elem))
	return ok
}

// Access allows everything to whoever may reach the mount. Without it go-fuse
// would compare owner and mode, and lock the analyst out of the directories of
// the container's root. This answer makes the kernel ask no more.
func (n *node) Access(context.Context, uint32) syscall.Errno {
	return errNotImplemented
}

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	*out = fuse.StatfsOut{
		Bsize: blockSize, Frsize: blockSize,
		Blocks:  max(1, uint64(n.options().Size+blockSize-1)/blockSize), // none would make df leave the mount out
		NameLen: unix.NAME_MAX,
	}
	return ok
}

// A rootNode is the root of the mount.
type rootNode struct {
	dirNode
	opts Options
}

func newRoot(dir tree.Dir, opts Options) *rootNode {
	return &rootNode{dirNode{node: node{elem: dir}, dir: dir}, opts}
}

// options are those of the mount.
func (n *node) options() Options { return n.Root().Operations().(*rootNode).opts }

// caller is the thread that a request comes from, by its number in the PID
// namespace of the process that mounted; 0 where it is not in there.
func caller(ctx context.Context) int {
	if c, ok := fuse.FromContext(ctx); ok {
		return int(c.Pid)
	}
	return 0
}
