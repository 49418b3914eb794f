package layout_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

// tarOf makes a tar of lines: "dir/", "file=content", "link->target" or
// "name==first name" for a hard link.
func tarOf(t *testing.T, lines ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, line := range lines {
		h, content := &tar.Header{Name: line, Typeflag: tar.TypeDir, Mode: 0o755}, ""
		if name, first, ok := strings.Cut(line, "=="); ok {
			h = &tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: first}
		} else if name, target, ok := strings.Cut(line, "->"); ok {
			h = &tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
		} else if name, text, ok := strings.Cut(line, "="); ok {
			h, content = &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}, text
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// mounted is a line of a mount table: id, parent, device, root, point.
func mounted(id, parent, dev uint32, root, point string) *mnt.MntEntry {
	fs := uint32(mnt.Fstype_TMPFS)
	return &mnt.MntEntry{
		MntId: &id, ParentMntId: &parent, RootDev: &dev, Fstype: &fs, Root: &root, Mountpoint: &point,
		Flags: proto.Uint32(0), Source: proto.String(""), Options: proto.String(""),
	}
}

func mountTable(mounts ...*mnt.MntEntry) []byte {
	var entries []proto.Message
	for _, m := range mounts {
		entries = append(entries, m)
	}
	return decodertest.Image(criu.MagicMountpoints, entries...)
}

// walk lists what is below d: "name/", "name=content" or "name->target".
func walk(t *testing.T, d tree.Dir, at string) []string {
	t.Helper()
	entries, err := d.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		name := at + e.Name
		switch n := e.Node.(type) {
		case tree.Dir:
			list = append(append(list, name+"/"), walk(t, n, name+"/")...)
		case tree.Symlink:
			list = append(list, name+"->"+n.Target())
		case tree.File:
			list = append(list, name+"="+read(t, d, e.Name))
		default:
			t.Fatalf("%s: %T", name, n)
		}
	}
	return list
}

func TestRootfs(t *testing.T) {
	const table, tmpfs = "checkpoint/mountpoints-13.img", "checkpoint/tmpfs-dev-43.tar.gz.img"
	root := mounted(79, 50, 40, "/", "/")
	for _, test := range []struct {
		name    string
		image   []string
		members map[string][]byte
		want    string
	}{
		{"nothing", nil, nil, ""},
		{"the image alone", []string{"etc/", "etc/a=A", "bin->usr/bin"}, nil, "bin->usr/bin etc/ etc/a=A"},
		{
			"what was changed lies over it, what was deleted is gone",
			[]string{"etc/", "etc/a=A", "etc/b=B", "etc/c=C", "opt/", "opt/x=X"},
			map[string][]byte{
				"rootfs-diff.tar": tarOf(t, "etc/", "etc/a=changed", "etc/new=N", "opt/", "opt/y=Y"),
				"deleted.files":   []byte(`["/etc/b", "/opt", "/nowhere/at/all"]`),
			},
			"etc/ etc/a=changed etc/c=C etc/new=N opt/ opt/y=Y",
		},
		{
			"what was changed is damaged: nothing of the image is known to be there",
			[]string{"etc/", "etc/a=A", "etc/b=B"},
			map[string][]byte{"rootfs-diff.tar": decodertest.Endless(tarOf(t, "etc/", "etc/a=changed"))},
			"etc/ etc/a=changed",
		},
		{
			"what was deleted cannot be read: nothing of the image is known to be there",
			[]string{"etc/", "etc/a=A", "etc/b=B"},
			map[string][]byte{"rootfs-diff.tar": tarOf(t, "etc/", "etc/a=changed"), "deleted.files": []byte(`["/etc/b"`)},
			"etc/ etc/a=changed",
		},
		{
			"a volume is damaged: nothing is below it",
			[]string{"a=A"},
			map[string][]byte{
				table:            mountTable(root, mounted(81, 79, 99, "/volumes/v1/_data", "/data")),
				"volumes/v1.tar": decodertest.Endless(tarOf(t, "./", "./x=volume")),
				"config.dump":    []byte(`{"namedVolumes": [{"volumeName": "v1", "dest": "/data/"}]}`),
			},
			"a=A data/ data/x=volume",
		},
		{
			"files that became folders, and folders files",
			[]string{"a/", "a/x=X", "b=B", "c->a"},
			map[string][]byte{"rootfs-diff.tar": tarOf(t, "a=A", "b/", "b/y=Y", "c/z=Z")},
			"a=A b/ b/y=Y c/ c/z=Z",
		},
		{
			"a tmpfs in the place of the image's files",
			[]string{"scratch/", "scratch/below=hidden", "scratch/d/", "scratch/d/x=hidden"},
			map[string][]byte{
				table: mountTable(mounted(81, 79, 43, "/", "/scratch"), root),
				tmpfs: tarOf(t, "./", "./x=tmpfs", "./l->/scratch/x"),
			},
			"scratch/ scratch/l->../scratch/x scratch/x=tmpfs",
		},
		{
			"a folder and a file of a tmpfs",
			[]string{"f=hidden"},
			map[string][]byte{
				table: mountTable(root, mounted(81, 79, 43, "/sub", "/deep/down"), mounted(82, 79, 43, "/sub/x", "/f")),
				tmpfs: tarOf(t, "./sub/", "./sub/x=X", "./subway=not this"),
			},
			"deep/ deep/down/ deep/down/x=X f=X",
		},
		{
			"files of other file systems, which no archive has",
			[]string{"etc/", "etc/hosts=of the image", "proc/", "proc/x=hidden"},
			map[string][]byte{
				table:             mountTable(root, mounted(81, 79, 99, "/userdata/hosts", "/etc/hosts"), mounted(82, 79, 44, "/", "/proc"), mounted(83, 79, 45, "/", "/unknown")),
				"rootfs-diff.tar": tarOf(t, "etc/", "etc/hosts="),
			},
			"etc/ proc/",
		},
		{
			"mounts on mounts, and one that covers another",
			nil,
			map[string][]byte{
				table:                   mountTable(mounted(84, 82, 39, "/", "/dev/shm"), mounted(82, 79, 43, "/", "/dev"), mounted(85, 79, 99, "/", "/x"), mounted(86, 85, 43, "/", "/x"), root),
				tmpfs:                   tarOf(t, "./null=N", "./shm/", "./shm/hidden=H"),
				"devshm-checkpoint.tar": tarOf(t, "./s=shared"),
			},
			"dev/ dev/null=N dev/shm/ dev/shm/s=shared x/ x/null=N x/shm/ x/shm/hidden=H",
		},
		{
			"a named volume",
			nil,
			map[string][]byte{
				table:              mountTable(root, mounted(81, 79, 99, "/volumes/v1/_data", "/data")),
				"volumes/v1.tar":   tarOf(t, "./", "./x=volume"),
				"config.dump":      []byte(`{"namedVolumes": [{"volumeName": "v1", "dest": "/data/"}]}`),
				"volumes/.tar":     tarOf(t, "x=nobody's"),
				"rootfs-diff.tar":  tarOf(t, "a=A"),
				"volumes/v2.tar":   tarOf(t, "x=not mounted"),
				"volumes/data.tar": tarOf(t, "x=not this"),
			},
			"a=A data/ data/x=volume",
		},
		{
			"mounts that are each other's parents, or their own",
			nil,
			map[string][]byte{
				table: mountTable(root, mounted(81, 82, 43, "/", "/a"), mounted(82, 81, 43, "/", "/b"), mounted(83, 83, 43, "/", "/c"), mounted(84, 79, 43, "/", "../../d")),
				tmpfs: tarOf(t, "./x=X"),
			},
			"d/ d/x=X",
		},
		{
			"the table of another mount namespace",
			nil,
			map[string][]byte{
				table:                           mountTable(root),
				"checkpoint/mountpoints-14.img": mountTable(mounted(90, 50, 40, "/", "/"), mounted(91, 90, 43, "/", "/other")),
				tmpfs:                           tarOf(t, "./x=X"),
				"rootfs-diff.tar":               tarOf(t, "a=A"),
			},
			"a=A",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := decodertest.Checkpoint{
				Files:     map[uint32]string{0: "/"},
				Processes: []decodertest.Process{{PID: 1, Comm: "sh"}},
				Members:   test.members,
			}
			var opts decoder.Options
			if test.image != nil {
				opts.Rootfs = decodertest.OpenArchive(t, tarOf(t, test.image...))
			}
			ck := c.OpenWith(t, opts)
			root := layout.Root(ck, layout.Options{})
			treetest.Check(t, root)
			if got := fmt.Sprint(walk(t, lookup(t, root, "rootfs").(tree.Dir), "")); got != "["+test.want+"]" {
				t.Errorf("rootfs has %s, want [%s]; warnings: %q", got, test.want, ck.Warnings.List())
			}
		})
	}
}

// Where the changes cannot be read at all, or may have been lost with the end of
// the archive, no file of the image is shown as the container's.
func TestRootfsWithoutItsChanges(t *testing.T) {
	image := decoder.Options{Rootfs: decodertest.OpenArchive(t, tarOf(t, "etc/", "etc/a=A"))}
	c := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}},
		Members:   map[string][]byte{"rootfs-diff.tar": []byte("no tar")},
	}
	rootfs := lookup(t, layout.Root(c.OpenWith(t, image), layout.Options{}), "rootfs").(tree.Dir)
	if entries, err := rootfs.Entries(); err == nil {
		t.Errorf("rootfs over a broken rootfs-diff.tar has %v, want an error", entries)
	}
	c.Members = nil
	ck, err := decoder.Open(decodertest.OpenArchive(t, decodertest.Endless(c.Tar())), image)
	if err != nil {
		t.Fatal(err)
	}
	if got := walk(t, lookup(t, layout.Root(ck, layout.Options{}), "rootfs").(tree.Dir), ""); len(got) > 0 {
		t.Errorf("rootfs of a checkpoint that is cut short has %q, want nothing", got)
	}
	if got := strings.Join(ck.Warnings.List(), "; "); !strings.Contains(got, "rootfs-diff is not known in full") {
		t.Errorf("warnings = %q", got)
	}
}

// The roots of mounts, and of tars, are what the tars say of the folders that they
// were made of. stat(2) opens none of them.
func TestRoots(t *testing.T) {
	when := time.Unix(1700000000, 0)
	made := func(perm int64, lines ...string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: perm, Uid: 5, Gid: 6, ModTime: when}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return append(b.Bytes(), tarOf(t, lines...)...)
	}
	c := decodertest.Checkpoint{
		Files:     map[uint32]string{0: "/", 1: "/bin/sh"},
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}},
		Members: map[string][]byte{
			"checkpoint/mountpoints-13.img": mountTable(
				mounted(79, 50, 40, "/", "/"), mounted(80, 79, 43, "/", "/tmp"), mounted(81, 79, 43, "/sub", "/part"),
				mounted(82, 79, 44, "/", "/dev"), mounted(83, 82, 45, "/", "/dev/shm"), mounted(84, 79, 46, "/", "/data"),
				mounted(85, 79, 47, "/", "/proc"), mounted(86, 79, 48, "/", "/bare"),
			),
			"checkpoint/tmpfs-dev-43.tar.gz.img": decodertest.Gzip(made(0o1777, "./sub/")),
			"checkpoint/tmpfs-dev-44.tar.gz.img": decodertest.Gzip(decodertest.Endless(made(0o755, "./null="))),
			"checkpoint/tmpfs-dev-48.tar.gz.img": decodertest.Gzip(tarOf(t, "./x=X")),
			"devshm-checkpoint.tar":              made(0o1770),
			"volumes/v1.tar":                     made(0o750),
			"config.dump":                        []byte(`{"namedVolumes": [{"volumeName": "v1", "dest": "/data"}]}`),
			"rootfs-diff.tar":                    tarOf(t, "proc/"),
		},
	}
	image := decoder.Options{Rootfs: decodertest.OpenArchive(t, made(0o711, "tmp/"))}
	ck := c.OpenWith(t, image)
	root := layout.Root(ck, layout.Options{})
	check := func(name string, perm uint32) {
		t.Helper()
		if a := lookup(t, root, name).Attr(); a.Perm != perm || a.UID != 5 || a.GID != 6 || !a.MTime.Equal(when) {
			t.Errorf("%s: mode %o, owner %d:%d, time %v, want %o and what was recorded", name, a.Perm, a.UID, a.GID, a.MTime, perm)
		}
	}
	check("rootfs", 0o711)
	check("rootfs/tmp", 0o1777)
	check("rootfs/dev", 0o755)
	check("rootfs/data", 0o750)
	check("archive/devshm-checkpoint.tar.d", 0o1770)
	for _, name := range []string{"rootfs-diff", "archive/rootfs-diff.tar.d", "rootfs/proc", "rootfs/bare"} {
		if a := lookup(t, root, name).Attr(); a.Perm != 0o555 || a.UID != 0 || !a.MTime.Equal(ck.Time) {
			t.Errorf("%s: %+v, want what stands for nothing recorded", name, a)
		}
	}
	if a := lookup(t, root, "rootfs/part").Attr(); a.Perm != 0o755 || a.UID != 0 {
		t.Errorf("rootfs/part: %+v, want the folder of the tmpfs that was mounted", a)
	}
	if got := read(t, root, "warnings"); got != "" {
		t.Errorf("warnings: %q, want none before a tar is opened", got)
	}
	if _, err := lookup(t, root, "rootfs/dev").(tree.Dir).Entries(); err != nil || read(t, root, "warnings") == "" {
		t.Errorf("a tmpfs that is cut short: %v, and no warning", err)
	}
	check("rootfs/dev/shm", 0o1770)

	// What was changed has the last word.
	c.Members["rootfs-diff.tar"] = made(0o700)
	root = layout.Root(c.OpenWith(t, image), layout.Options{})
	treetest.Check(t, root)
	for _, name := range []string{"rootfs", "rootfs-diff", "archive/rootfs-diff.tar.d"} {
		check(name, 0o700)
	}
}

// Two names of a file in the image are one inode, until the container
// replaces one of them.
func TestRootfsHardLinks(t *testing.T) {
	ck := decodertest.Checkpoint{
		Files:     map[uint32]string{0: "/"},
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}},
		Members:   map[string][]byte{"rootfs-diff.tar": tarOf(t, "first=new", "c=C", "d==c")},
	}.OpenWith(t, decoder.Options{Rootfs: decodertest.OpenArchive(t, tarOf(t, "first=old", "a==first", "b==first", "c=old", "e==c"))})
	root := layout.Root(ck, layout.Options{})
	treetest.Check(t, root)
	inode := func(name string) string { return lookup(t, root, "rootfs/"+name).Attr().InodePath }
	if inode("a") == "" || inode("a") != inode("b") {
		t.Errorf("inodes %q and %q, want one", inode("a"), inode("b"))
	}
	if inode("c") != inode("d") {
		t.Errorf("inodes %q and %q, want one", inode("c"), inode("d"))
	}
	for _, pair := range [][2]string{{"first", "a"}, {"c", "e"}} {
		if inode(pair[0]) == inode(pair[1]) {
			t.Errorf("%v are one inode, want two", pair)
		}
	}
}

// The names of a symbolic link lead to the same file from wherever they stand, and
// so cannot be one inode, of which the target is that of the first name that
// somebody looked at: from higher up it would lead out of the mount.
func TestHardLinksToALink(t *testing.T) {
	members := map[string][]byte{"rootfs-diff.tar": tarOf(t, "a/b/link->/etc/passwd", "top==a/b/link")}
	for _, raw := range []bool{false, true} {
		root := layout.Root(decodertest.Checkpoint{Members: members}.Open(t), layout.Options{RawLinks: raw})
		first, second := lookup(t, root, "rootfs-diff/a/b/link").(tree.Symlink), lookup(t, root, "rootfs-diff/top").(tree.Symlink)
		one := first.Attr().InodePath != "" && first.Attr().InodePath == second.Attr().InodePath
		if one != (first.Target() == second.Target()) || one != raw || first.Attr().Nlink != 2 || second.Attr().Nlink != 2 {
			t.Errorf("raw %v: %q and %q, one inode %v, attributes %+v and %+v", raw, first.Target(), second.Target(), one, first.Attr(), second.Attr())
		}
	}
}
