package decoder

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

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
	// Brief leaves out all but what is said of the container and of the dump as
	// a whole, and which processes there are; they then have nothing but their
	// IDs.
	Brief bool
}

// Open decodes the small images of a checkpoint and finds the large ones; it
// never reads pages. What cannot be decoded becomes a warning, and the rest
// is usable. The error is a [*NotCheckpointError] where there is nothing to
// decode.
//
// The archives must stay open as long as the checkpoint is used.
func Open(a *archive.Archive, opts Options) (*Checkpoint, error) {
	l, err := newLoader(a, opts)
	if err != nil {
		return nil, err
	}
	ck := &Checkpoint{Archive: a, Warnings: l.warn, loader: l}
	l.mountTables = sync.OnceValue(func() []MountNamespace { return l.listMountNamespaces(ck.Processes) })
	ck.Inventory = l.inventory()
	l.parents = l.findParents(opts.Parents)
	ck.Container = l.container()
	if opts.Brief {
		ck.Processes = l.processIDs()
	} else {
		l.decode(ck)
	}
	ck.Form, ck.Time = l.source.form, l.time()
	return ck, nil
}

// loader is the state of Open: the images and the tables that they refer to.
type loader struct {
	*images
	source        *source
	warn          *Warnings
	parents       []*images // nearest first
	rootfs        *archive.Archive
	rootfsAsked   bool                    // a mapped file was looked for in it
	rootfsHad     bool                    // it has such a file
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
	pieces        int                   // of files and shared memory, in all mappings together
	tasks         map[int]bool          // TIDs that there are
	nested        *nestedTars
	deleted       deletedFiles
	seccomp       []seccompFilter
	volumes       map[string]string // the tars of the named volumes, by their mount point
	found         func() *objects
	mountTables   func() []MountNamespace
	sockets       []*Socket
	socketQueues  socketQueues
	unixPeers     map[uint32]*Socket // UNIX sockets by inode number
	netNamespaces []*NetNamespace
	terminals     map[uint32]*Terminal      // by id
	sessions      map[int]*Terminal         // that control one, by its id
	cgroups       map[uint32][]Cgroup       // by id of the set
	users         map[uint32]*UserNamespace // by id
}

// newLoader finds the checkpoint in the archive.
func newLoader(a *archive.Archive, opts Options) (*loader, error) {
	warn := new(Warnings)
	opts.Spool.Room = archive.RoomIn(a)
	nested := &nestedTars{spool: opts.Spool, warn: warn}
	f := &finder{archive: &images{archive: a, mount: archiveDir, budget: newBudget(a, opts.Parents)}, nested: nested, warn: warn}
	source, err := f.find(opts.Checkpoint)
	if err != nil {
		if damage := a.Damage(); len(damage) > 0 {
			err = fmt.Errorf("%w; %w", err, damage[0]) // which may be why
		}
		return nil, errors.Join(err, nested.Close())
	}
	for _, err := range a.Damage() {
		warn.Add(err)
	}
	return &loader{
		source: source, images: source.images, warn: warn, rootfs: opts.Rootfs,
		shared:  make(map[uint64]*SharedMemory),
		claimed: make(map[pagesImage]string),
		nested:  nested,
	}, nil
}

// decode fills in the processes and what they used. Tables come before what
// refers to them.
func (l *loader) decode(ck *Checkpoint) {
	l.deleted = l.loadDeletedFiles()
	l.mounts, l.mountOrder = l.loadMounts()
	l.segments = l.loadSegments()
	if l.isPreDump() {
		l.source.form = PreCheckpoint
		l.warn.Add(errPreDump)
	} else {
		l.terminals = l.loadTerminals()
		l.files = l.loadFiles()
		l.cgroups = l.loadCgroups()
		l.seccomp = l.loadSeccomp()
		ck.Processes = l.processes()
		l.checkRootfs()
	}
	l.loadSockets(ck.Processes)
	l.loadNetNamespaces(ck.Processes)
	l.locks(ck.Processes)
	ck.UTS = l.utsNamespaces()
	ck.IPC = l.ipcNamespaces(ck.Processes)
	ck.Stats = l.stats()
	ck.Uptime = l.uptime()
	l.found = sync.OnceValue(func() *objects { return l.findObjects(ck) })
}

// time is that of pstree.img, which CRIU writes near the end of a dump, or of
// the newest image where that is missing.
func (l *loader) time() time.Time {
	for _, name := range []string{l.name("pstree.img"), l.name("inventory.img")} {
		if m := l.member(name); m != nil {
			return m.ModTime
		}
	}
	var newest time.Time
	for _, name := range l.matching("*.img") {
		if at := l.member(name).ModTime; at.After(newest) {
			newest = at
		}
	}
	return newest
}
