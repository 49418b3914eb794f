package layout

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// objectNode is the file of an object at that path of the mount. One that is a
// SysV object stands below ns/ too.
func (b *builder) objectNode(at string, o *decoder.Object) tree.Node {
	attr := tree.Attr{
		Perm: o.Mode & 0o7777, UID: o.UID, GID: o.GID, Unlinked: o.Unlinked, ATime: o.ATime, MTime: o.MTime, InodePath: at,
	}
	if o.Mode == 0 {
		attr.Perm = 0o444
	}
	if o.MTime.IsZero() {
		attr.MTime = b.ck.Time
	}
	if o.NS != 0 {
		attr.Nlink = 2
	}
	switch kind := objectKind(o); {
	case kind == "directory":
		return tree.NewDir(attr, nil) // a directory can only be deleted when it is empty
	case kind == "symlink" && o.Target != "":
		return b.link(attr, o.Target, func() string {
			from, _ := resolve(nil, nil, path.Dir("/"+o.Name))
			to, _ := resolve(nil, from, o.Target)
			return "../" + strings.Join(append([]string{"rootfs"}, to...), "/")
		})
	case kind == "device":
		return tree.NewSpecial(attr, o.Mode&modeType, o.Rdev.Major, o.Rdev.Minor)
	case !o.Regular():
		return tree.Bytes(attr, nil) // as the FIFO it was, it would hang whoever reads all that is here
	default:
		return tree.ContentFile(attr, func() (tree.Content, error) { return b.objectContent(at, o) })
	}
}

func (b *builder) objectContent(at string, o *decoder.Object) (tree.Content, error) {
	switch {
	case o.Err != nil:
		return nil, o.Err
	case o.Memory != nil:
		c := memview.NewObject(o.Memory)
		return sparse{readable{placed{c, at}, b.ck.Warnings}, c}, nil
	default:
		return b.member(o.Bytes.Content()), nil
	}
}

// placed is a content whose errors say where it stands in the mount.
type placed struct {
	tree.Content
	path string
}

func (c placed) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Content.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", c.path, err)
	}
	return n, err
}
