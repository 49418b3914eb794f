package layout

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// targetXattr holds the text of a link as the processes saw it. It is not in
// the namespace user, which the kernel refuses on links
// (fs/xattr.c:xattr_permission); anybody may read the namespace security.
const targetXattr = "security.ckptfs.target"

// link is a symbolic link. raw is its text as the processes saw it, confined
// finds out one that stays inside the mount.
func (b *builder) link(attr tree.Attr, raw string, confined func() string) tree.Symlink {
	return b.objectLink(attr, raw, confined, confined)
}

// objectLink is a link of which object is what stat(2) finds, where links are
// magic. Where it leads is not kept: of a hostile archive that can be long, and
// the links many.
func (b *builder) objectLink(attr tree.Attr, raw string, confined, object func() string) tree.Symlink {
	attr.Xattrs = maps.Clone(attr.Xattrs)
	if attr.Xattrs == nil {
		attr.Xattrs = make(map[string]string, 1)
	}
	attr.Xattrs[targetXattr] = raw
	switch {
	case b.opts.MagicLinks:
		return tree.LazyMagicLink(attr, confined, object, raw)
	case b.opts.RawLinks:
		return tree.NewSymlink(attr, raw)
	default:
		return tree.LazySymlink(attr, confined)
	}
}

// fileLink is a link of a directory at that depth below the mount's root to a
// file of the container's root file system, which is rootfs/. That of a deleted
// file, a memfd, a pipe or a socket leads to what recovered/ has of it. Where
// that is nothing it dangles, as it does on a live system: another file may
// have the name of a deleted one by now.
func (b *builder) fileLink(attr tree.Attr, depth int, f *decoder.File) tree.Symlink {
	raw := b.deleted.name(f)
	confined := func() string {
		top := b.fromProcs(depth - 1)
		if o := b.ck.ObjectOf(f); o != nil {
			return top + "recovered/" + b.recovery().names[o]
		} else if f.Kind != decoder.FileOther {
			to, _ := resolve(nil, nil, raw)
			return top + strings.Join(append([]string{"rootfs"}, to...), "/")
		}
		return raw // no path: it leads nowhere
	}
	object := func() string {
		if b.object(attr, f) != nil {
			return objectName(f)
		}
		return confined()
	}
	return b.objectLink(attr, raw, confined, object)
}

// deletedNames are the names of deleted files as the kernel shows them, each made
// once: any number of descriptors and mappings can be of one file.
type deletedNames struct {
	mu     sync.Mutex
	byFile map[*decoder.File]string
}

// name is the kernel's name of any file.
func (d *deletedNames) name(f *decoder.File) string {
	if !f.Deleted {
		return f.KernelName() // which is its path, and costs nothing
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name, ok := d.byFile[f]
	if !ok {
		if d.byFile == nil {
			d.byFile = make(map[*decoder.File]string)
		}
		name = f.KernelName()
		d.byFile[f] = name
	}
	return name
}

// fromProcs leads from a directory of that depth below procs/ to the top of the
// tree.
func (b *builder) fromProcs(depth int) string {
	return strings.Repeat("../", depth) + cmp.Or(b.opts.top, "..") + "/"
}

// confine is the target of the link at that path of the tree root, made relative
// so that it resolves in that tree as it did in the container: an absolute target
// begins at the tree's root, and ".." stops there. A target that does neither
// stays as it is. One on whose way there are too many links leads to the link
// itself: whoever follows it gets ELOOP.
func confine(root *branch, at, target string) string {
	if target != "" && target[0] != '/' && !slices.Contains(strings.Split(target, "/"), "..") {
		return target
	}
	var from []string
	dir, name := path.Split(at)
	if dir != "" {
		from = strings.Split(strings.TrimSuffix(dir, "/"), "/")
	}
	to, ok := resolve(root, from, target)
	if !ok {
		return name
	}
	// The link stands in a real directory, so these steps lead exactly to
	// the tree's root; and no step after them leads up again.
	steps := make([]string, 0, len(from)+len(to))
	for range from {
		steps = append(steps, "..")
	}
	steps = append(steps, to...)
	if len(steps) == 0 {
		return "."
	}
	return strings.Join(steps, "/")
}

// maxLinks is how many links the kernel follows on one path
// (include/linux/namei.h:MAXSYMLINKS).
const maxLinks = 40

// maxTargets is how many bytes the targets of those links may have together: as
// many as one path (PATH_MAX). The kernel takes 40 of the longest, but it follows
// a link when somebody asks for that, and we do for each stat.
const maxTargets = maxPath

// resolve is the path, from the root of the tree, that target leads to when
// followed from the directory from. A link on the way is followed only where
// a ".." stands behind it, for which it matters where it led; it is not ok where
// these are more than maxLinks or maxTargets.
func resolve(root *branch, from []string, target string) (_ []string, ok bool) {
	at := from
	if strings.HasPrefix(target, "/") {
		at = nil
	}
	at = append([]string(nil), at...)
	branches := branchesTo(root, at)
	todo, ups := stepsOf(nil, target)
	links, text := 0, 0
	for len(todo) > 0 {
		step := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch step {
		case "..":
			ups--
			at = at[:max(len(at)-1, 0)]
			branches = branches[:len(at)+1]
		default:
			here := branches[len(at)].step(step)
			if here.isLink() && ups > 0 {
				links++
				text += len(here.member.Target)
				if links > maxLinks || text > maxTargets {
					return nil, false
				}
				if strings.HasPrefix(here.member.Target, "/") {
					at, branches = at[:0], branches[:1]
				}
				var more int
				todo, more = stepsOf(todo, here.member.Target)
				ups += more
				continue
			}
			at, branches = append(at, step), append(branches, here)
		}
	}
	return at, true
}

// stepsOf puts the steps of a path on top of a stack, the first one uppermost,
// and tells how many of them are "..".
func stepsOf(stack []string, path string) (_ []string, ups int) {
	below := len(stack)
	for step := range strings.SplitSeq(path, "/") {
		switch step {
		case "", ".":
			continue
		case "..":
			ups++
		}
		stack = append(stack, step)
	}
	slices.Reverse(stack[below:])
	return stack, ups
}

// branchesTo are the branches on the way from root to a path, both with it; nil
// for those that are not there.
func branchesTo(root *branch, path []string) []*branch {
	list := []*branch{root}
	for _, step := range path {
		list = append(list, list[len(list)-1].step(step))
	}
	return list
}

// step is the entry of that name in b, or nil. b may be nil.
func (b *branch) step(name string) *branch {
	if b == nil {
		return nil
	}
	return b.child(name)
}

func (b *branch) isLink() bool {
	return b != nil && b.member != nil && b.member.Type == archive.TypeSymlink
}
