// Package layout says which node of the mounted tree stands where. Each file
// has one directory of the tree as a table, a line for each entry.
package layout

import (
	_ "embed"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/report"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// Options change how the tree shows.
type Options struct {
	// RawLinks shows links as the processes saw them, instead of confining
	// them to the mount.
	RawLinks bool
	// MagicLinks makes links show their text as the processes saw it, and
	// lead to where confined ones do.
	MagicLinks bool
	// FakeBuildIDs adds to each core file a second one, with made-up pages
	// that say the build-ids of the mapped files.
	FakeBuildIDs bool
	// MountPoint is the absolute path at which the tree is mounted. Where it
	// is empty, files that have to name others name them from the tree's root
	// on.
	MountPoint string

	top string // the top of the tree as seen from procs/; empty for the directory above
}

//go:embed README
var readme []byte

// Root is the tree of a checkpoint. Nothing is decoded or rendered before it
// is looked at.
func Root(ck *decoder.Checkpoint, opts Options) tree.Dir {
	b := newBuilder(ck, opts)
	return tree.NewDir(b.dirAttr(), b.root())
}

func newBuilder(ck *decoder.Checkpoint, opts Options) *builder {
	b := &builder{
		ck: ck, opts: opts, netDirs: make(map[uint32][]tree.Entry), contents: new(contents), deleted: new(deletedNames),
		kept: tree.NewTexts(maxKept), seed: maphash.MakeSeed(),
	}
	b.recovery = sync.OnceValue(b.findRecovered)
	b.nestedTars = sync.OnceValue(b.findNested)
	b.netFiles()
	return b
}

func (b *builder) root() []tree.Entry {
	procs := b.processes()
	entries := []tree.Entry{
		{Name: "README", Node: tree.Bytes(b.fileAttr(), readme)},
		{Name: "SHA256SUMS", Node: b.sums(b.archiveSums)},
		{Name: "archive", Node: b.archive()},
		{Name: "cores", Node: b.cores(procs)},
		{Name: "images", Node: b.images()},
		{Name: "ns", Node: b.namespaces()},
		{Name: "procs", Node: b.procs(procs)},
		{Name: "recovered", Node: b.recovered()},
		{Name: "rootfs", Node: b.rootfs()},
		{Name: "rootfs-deleted", Node: b.rootfsDeleted()},
		{Name: "rootfs-diff", Node: b.rootfsDiff()},
		{Name: "summary", Node: b.asOfNow("summary", func(w io.Writer) error { return report.Summary(w, b.ck) })},
		{Name: "summary.json", Node: b.asOfNow("summary.json", func(w io.Writer) error { return report.JSON(w, b.ck) })},
		{Name: "warnings", Node: tree.VolatileText(b.fileAttr(), b.warnings)},
	}
	if b.ck.Stats != nil {
		entries = append(entries, tree.Entry{Name: "stats", Node: b.text("stats", func(w io.Writer) error { return report.Stats(w, b.ck) })})
	}
	return sorted(entries)
}

// builder makes the nodes of one checkpoint.
type builder struct {
	ck         *decoder.Checkpoint
	opts       Options
	recovery   func() *recovery
	nestedTars func() map[string][]decoder.NestedTar
	netDirs    map[uint32][]tree.Entry // the files of /proc/net, by namespace
	contents   *contents
	deleted    *deletedNames
	kept       *tree.Texts
	seed       maphash.Seed
}

// dirAttr and fileAttr are those of what we present ourselves, rather than
// the archive.
func (b *builder) dirAttr() tree.Attr {
	return tree.Attr{Perm: 0o555, MTime: b.ck.Time, NoXattrs: true}
}

func (b *builder) fileAttr() tree.Attr {
	return tree.Attr{Perm: 0o444, MTime: b.ck.Time, NoXattrs: true}
}

// text is a text file at that path of the mount. Where rendering it fails,
// reading it does, and the error becomes a warning.
func (b *builder) text(path string, render func(io.Writer) error) tree.File {
	return b.kept.File(b.fileAttr(), b.noting(path, render))
}

// asOfNow is a text file that would not be the same a second time: it counts
// the warnings so far. It is rendered once.
func (b *builder) asOfNow(path string, render func(io.Writer) error) tree.File {
	return tree.Text(b.fileAttr(), b.noting(path, render))
}

// texts makes the text files of a directory of the mount.
func (b *builder) texts(dir string) func(name string, render func(io.Writer) error) tree.Entry {
	return func(name string, render func(io.Writer) error) tree.Entry {
		return tree.Entry{Name: name, Node: b.text(dir+"/"+name, render)}
	}
}

// noting makes a warning of what render fails with. To write something else
// than the first time is a failure: the archive has changed, and whoever has a
// part of the old text must not get the rest of the new one.
func (b *builder) noting(path string, render func(io.Writer) error) func(io.Writer) error {
	var first uint64 // 0: it is not known yet
	return func(w io.Writer) error {
		var hash maphash.Hash
		hash.SetSeed(b.seed)
		err := render(&limited{io.MultiWriter(w, &hash), maxText})
		sum := hash.Sum64() | 1
		if err == nil && first != 0 && sum != first {
			err = errors.New("not as it was when it was first read")
		}
		if err != nil {
			b.ck.Warnings.Addf("%s: %w", path, err)
		}
		first = sum
		return err
	}
}

// maxKept bounds what text files keep of their texts, in bytes: as much as all
// files of a large checkpoint need.
const maxKept = 128 << 20

// maxText bounds a text file in bytes: what a hostile archive says can multiply
// into more than anybody has time for. A process of 1,048,576 mappings, the
// highest vm.max_map_count that distributions set, needs half of it for smaps.
const maxText = 1 << 30

// limited is a writer that takes no more than so many bytes.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, fmt.Errorf("more than %d bytes of text", maxText)
	}
	l.left -= len(p)
	return l.w.Write(p)
}

// warnings writes a line for each warning so far.
func (b *builder) warnings(w io.Writer) error {
	for _, text := range b.ck.Warnings.List() {
		if _, err := fmt.Fprintln(w, escape.String(text)); err != nil {
			return err
		}
	}
	return nil
}
