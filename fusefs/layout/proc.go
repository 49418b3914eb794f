package layout

import (
	"strconv"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// topOfProc is the entry of [Proc] with all that is not in procs/.
const topOfProc = "ckptfs"

// CoversDir is where a mount of [Proc] on /proc has what Covers are covered
// with.
const CoversDir = "/proc/" + topOfProc + "/covers"

// Covers are the files and directories of a machine that tools take names from
// which they then show as the container's, by the entry of [CoversDir] to cover
// them with: users and groups, hosts and ports, by whatever means, and who is
// logged in.
//
// Sources: nsswitch.conf(5), nscd(8), utmp(5), sd_get_sessions(3).
var Covers = map[string]string{
	"passwd":        "/etc/passwd",
	"group":         "/etc/group",
	"hosts":         "/etc/hosts",
	"services":      "/etc/services",
	"nsswitch.conf": "/etc/nsswitch.conf",
	"nscd":          "/var/run/nscd",
	"utmp":          "/var/run/utmp",
	"sessions":      "/run/systemd/sessions",
}

// nsswitch makes the covered files the only source of names.
const nsswitch = "passwd: files\ngroup: files\nhosts: files\nservices: files\n"

// Proc is the tree of a checkpoint as it is to be mounted on /proc: what is in
// procs/, and in ckptfs/ all the others. Its links show what the processes saw
// and stay inside.
//
// A process that looks itself up finds what self/ has. It is not listed, and
// nobody else finds it: ps(1) looks itself up first of all, and gives up where
// it is not there.
func Proc(ck *decoder.Checkpoint, opts Options) tree.Dir {
	opts.MagicLinks, opts.top, opts.MountPoint = true, topOfProc, "/proc/"+topOfProc
	b := newBuilder(ck, opts)
	var procs, others []tree.Entry
	for _, e := range b.root() {
		if e.Name == "procs" {
			procs, _ = e.Node.(tree.Dir).Entries() // it is not lazy
			e.Node = tree.NewSymlink(b.dirAttr(), "..")
		}
		others = append(others, e)
	}
	others = append(others, tree.Entry{Name: "covers", Node: b.covers()})
	procs = append([]tree.Entry{{Name: topOfProc, Node: tree.NewDir(b.dirAttr(), sorted(others))}}, procs...)
	return &personal{tree.NewDir(b.dirAttr(), procs)}
}

// covers is [CoversDir]. What the checkpoint does not have is empty.
func (b *builder) covers() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		rootfs := b.rootfs()
		var entries []tree.Entry
		for name, path := range Covers {
			var node tree.Node
			switch name {
			case "nsswitch.conf":
				node = tree.Bytes(b.fileAttr(), []byte(nsswitch))
			case "nscd", "sessions":
				node = tree.NewDir(b.dirAttr(), nil)
			default:
				node = b.fileOrEmpty(rootfs, path)
			}
			entries = append(entries, tree.Entry{Name: name, Node: node})
		}
		return sorted(entries), nil
	})
}

// maxCover is how large a file may be by which tools give names, in bytes: some
// read all of it into memory.
const maxCover = 16 << 20

// fileOrEmpty is the regular file at a path of rootfs, or an empty one.
func (b *builder) fileOrEmpty(rootfs tree.Dir, path string) tree.File {
	var at tree.Node = rootfs
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if dir, ok := at.(tree.Dir); ok {
			at, _ = dir.Lookup(name)
		}
	}
	if f, ok := at.(tree.File); ok {
		c, err := f.Content()
		if err != nil || c.Size() <= maxCover {
			return f
		}
		b.ck.Warnings.Addf("rootfs%s: a file of %d bytes, of which exec takes no names", path, c.Size())
	}
	return tree.Bytes(b.fileAttr(), nil)
}

// personal is a /proc in which a process finds itself.
type personal struct{ tree.Dir }

func (p *personal) LookupAs(pid int, name string) (tree.Node, error) {
	if pid == 0 || name != strconv.Itoa(pid) {
		return nil, tree.ErrNotExist
	}
	return p.Lookup("self")
}
