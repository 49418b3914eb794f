package fusefs

import (
	"context"
	"syscall"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// A LinkUse is what a thread does with a link.
type LinkUse int

// The uses of a link.
const (
	FollowLink LinkUse = iota // any system call but these
	ReadLink                  // readlink(2)
	StatLink                  // stat(2)
)

// maxPath is how long a path can be, in bytes, with the NUL behind it: PATH_MAX
// of include/uapi/linux/limits.h.
const maxPath = 4096

type linkNode struct {
	node
	link tree.Symlink
}

func (n *linkNode) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	target := n.link.Target()
	magic, is := n.link.(tree.MagicLink)
	if use := n.options().LinkUse; is && use != nil {
		switch use(caller(ctx)) {
		case ReadLink:
			target = magic.Text()
		case StatLink:
			target = magic.Object()
		case FollowLink:
		}
	}
	if len(target) >= maxPath {
		return nil, errNameTooLong
	}
	return []byte(target), ok
}
