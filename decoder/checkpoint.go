package decoder

import (
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Checkpoint is the saved state of a container. It is immutable but for its
// warnings, and safe for concurrent use.
type Checkpoint struct {
	Archive   *archive.Archive
	Form      string // what it is wrapped in, or what is special about it; "" for nothing
	Container Container
	Inventory Inventory
	Processes []*Process // in the order of pstree.img
	UTS       []UTSNamespace
	IPC       []IPCNamespace
	Stats     []Stat        // nil where there are none
	Uptime    time.Duration // of the machine at the dump, as the processes saw it; 0: not known
	Time      time.Time     // when the dump ended, by the time stamp of its last image
	Warnings  *Warnings

	loader *loader
}

// Image is an image whose bytes are read as they are needed.
type Image struct {
	io.ReaderAt
	Name string // path in the mount
}

// Options say what else belongs to a checkpoint.
type Options struct {
	// Rootfs is the container's image, of which the checkpoint has only what
	// was changed. It may be nil.
	Rootfs *archive.Archive
	// Parents are the checkpoints that an incremental one refers to, the
	// nearest first, where they are not in the same archive.
	Parents []*archive.Archive
	// Checkpoint is the name of the one that is meant where the archive has
	// several: that of an OCI image, or that of the folder with CRIU's images;
	// the first parts of it may be left out.
	Checkpoint string
	// Spool says where compressed tars inside the archive are expanded.
	Spool archive.Options
	// Brief leaves out all but what the engine wrote about the container and
	// which processes there are; they then have nothing but their IDs.
	Brief bool
}

// Open decodes the small images of a checkpoint and finds the large ones; it
// never reads pages. What cannot be decoded becomes a warning, and the rest
// is usable. The error is a [*NotCheckpointError] where there is nothing to
// decode.
//
// The archives must stay open as long as the checkpoint is used.
func Open(a *archive.Archive, opts Options) (*Checkpoint, error) {
	warn := new(Warnings)
	nested := &nestedTars{spool: opts.Spool, warn: warn}
	f := &finder{archive: &images{archive: a, mount: archiveDir, budget: newBudget(a, opts.Parents)}, nested: nested, warn: warn}
	source, err := f.find(opts.Checkpoint)
	if err != nil {
		return nil, errors.Join(err, nested.Close())
	}
	l := &loader{
		source: source, images: source.images, warn: warn, rootfs: opts.Rootfs,
		shared:  make(map[uint64]*SharedMemory),
		claimed: make(map[pagesImage]string),
		nested:  nested,
	}
	for _, err := range a.Damage() {
		l.warn.Add(err)
	}
	inv := l.inventory()
	l.parents = l.findParents(opts.Parents)
	container := l.container()
	for _, tell := range source.facts {
		tell(l, &container)
	}
	// In its answer to Kubernetes, too, containerd saves the changes of the
	// root file system as an image layer: internal/cri/server,
	// container_checkpoint_linux.go:writeRootFsDiffTar.
	source.layer = source.layer || container.Engine == "containerd"
	if opts.Brief {
		return &Checkpoint{
			Archive: a, Form: l.source.form, Container: container, Processes: l.processIDs(), Time: l.time(), Warnings: l.warn, loader: l,
		}, nil
	}
	l.deleted = l.loadDeletedFiles()
	l.mounts, l.mountOrder = l.loadMounts()
	l.segments = l.loadSegments()
	var processes []*Process
	if l.isPreDump() {
		l.source.form = "pre-checkpoint"
		l.warn.Add(errPreDump)
	} else {
		l.terminals = l.loadTerminals()
		l.files = l.loadFiles()
		l.cgroups = l.loadCgroups()
		l.seccomp = l.loadSeccomp()
		processes = l.processes()
	}
	l.loadSockets(processes)
	l.loadNetNamespaces(processes)
	l.locks(processes)
	ck := &Checkpoint{
		Archive:   a,
		Form:      l.source.form,
		Container: container,
		Inventory: inv,
		Processes: processes,
		UTS:       l.utsNamespaces(),
		IPC:       l.ipcNamespaces(processes),
		Stats:     l.stats(),
		Uptime:    l.uptime(),
		Time:      l.time(),
		Warnings:  l.warn,
		loader:    l,
	}
	l.found = sync.OnceValue(func() *objects { return l.findObjects(ck) })
	return ck, nil
}

// ImageFolder is the folder of the archive that holds CRIU's images; "" is the
// top.
func (c *Checkpoint) ImageFolder() string { return c.loader.dir }

// Process is the process of that PID, or nil.
func (c *Checkpoint) Process(pid int) *Process {
	for _, p := range c.Processes {
		if p.PID == pid {
			return p
		}
	}
	return nil
}

// LastPID is the greatest of all PIDs and TIDs; 0 where there are none.
func (c *Checkpoint) LastPID() (last int) {
	for _, p := range c.Processes {
		last = max(last, p.PID)
		for _, t := range p.Threads {
			last = max(last, t.TID)
		}
	}
	return last
}

// loader is the state of Open: the images and the tables that they refer to.
type loader struct {
	*images
	source        *source
	warn          *Warnings
	parents       []*images // nearest first
	rootfs        *archive.Archive
	tables        map[uint32][]Descriptor // of descriptors, by id
	allHeld       int                     // descriptors of all processes together
	files         map[uint32]*File
	ghosts        map[uint32]ghost // deleted files, by the id of their image
	mounts        map[int]*Mount
	mountOrder    []*Mount
	segments      map[uint64]segment
	shared        map[uint64]*SharedMemory
	claimed       map[pagesImage]string // the pagemap that each belongs to
	holes         int64                 // of pages images, in bytes
	tasks         map[int]bool          // TIDs that there are
	nested        *nestedTars
	deleted       deletedFiles
	seccomp       []seccompFilter
	volumes       map[string]string // the tars of the named volumes, by their mount point
	found         func() *objects
	sockets       []*Socket
	socketQueues  socketQueues
	unixPeers     map[uint32]*Socket // UNIX sockets by inode number
	netNamespaces []*NetNamespace
	terminals     map[uint32]*Terminal      // by id
	sessions      map[int]*Terminal         // that control one, by its id
	cgroups       map[uint32][]Cgroup       // by id of the set
	users         map[uint32]*UserNamespace // by id
}

// time is that of pstree.img, which CRIU writes near the end of a dump, or of
// the archive where that image is missing.
func (l *loader) time() time.Time {
	for _, name := range []string{l.name("pstree.img"), l.name("inventory.img")} {
		if m := l.member(name); m != nil {
			return m.ModTime
		}
	}
	return l.archive.ModTime()
}

// sortedKeys are the keys of m, ascending.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// Close closes the archives that were opened for the checkpoint, its own
// among them.
func (c *Checkpoint) Close() error {
	return errors.Join(c.loader.nested.Close(), c.Archive.Close())
}

// DeletedFiles lists the paths that the container deleted from its root file
// system, in the order of the engine's list, each beginning with "/".
//
// Sources: deleted.files, a JSON list that Podman and CRI-O write; the marks
// in an image layer, which is what containerd saves.
func (c *Checkpoint) DeletedFiles() []string {
	files, _ := c.loader.rootfsDiff()
	return files.deleted.paths
}

// RootfsDiff is what the container changed in its root file system, as an
// archive of its own; nil where the checkpoint has none.
//
// Source: rootfs-diff.tar, or an image layer.
func (c *Checkpoint) RootfsDiff() (*archive.Archive, error) {
	files, err := c.loader.rootfsDiff()
	return files.Archive, err
}

// RootfsDiffSize is the size of the tar that it is kept in, in bytes.
func (c *Checkpoint) RootfsDiffSize() int64 {
	diff := c.loader.source.diff
	if m := diff.in.member(diff.name); m != nil {
		return m.Size()
	}
	return 0
}

// ImageArchive is the archive that has CRIU's images: the checkpoint's own, or
// a tar in it.
func (c *Checkpoint) ImageArchive() *archive.Archive { return c.loader.archive }
