package fusefs

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// PIDXattr is the extended attribute of the mount's root that says which
// process has to end before nothing of the mount is left. It is not listed:
// two mounts of one archive look the same.
const PIDXattr = "user.ckptfs.pid"

func (r *rootNode) Getxattr(ctx context.Context, name string, buf []byte) (uint32, syscall.Errno) {
	if name == PIDXattr {
		return give(buf, strconv.Itoa(cmp.Or(r.opts.PID, os.Getpid())))
	}
	return r.dirNode.Getxattr(ctx, name, buf)
}

func (n *node) Getxattr(_ context.Context, name string, buf []byte) (uint32, syscall.Errno) {
	attr := n.elem.Attr()
	value, found := attr.Xattrs[name]
	switch {
	case found:
		return give(buf, value)
	case attr.NoXattrs:
		return 0, errNoXattrs
	default:
		return 0, errNoXattr
	}
}

// Listxattr gives the names in order, each with a NUL behind it.
func (n *node) Listxattr(_ context.Context, buf []byte) (uint32, syscall.Errno) {
	var list string
	for _, name := range slices.Sorted(maps.Keys(n.elem.Attr().Xattrs)) {
		list += name + "\x00"
	}
	return give(buf, list)
}

// give copies a value to where it was asked for. The length is returned even
// if the buffer is too small: that is how callers ask for it.
func give(buf []byte, value string) (uint32, syscall.Errno) {
	if len(buf) < len(value) {
		return uint32(len(value)), errBufferTooSmall
	}
	return uint32(copy(buf, value)), ok
}
