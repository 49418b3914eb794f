package decoder

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// What a hostile archive can make us keep: so many objects, and so many of the
// ways in which they were held.
const (
	maxObjects = 1 << 17
	maxOwners  = 1 << 20
)

// objects are the objects of a checkpoint in the making.
type objects struct {
	*loader
	list  []*Object
	byKey map[objectKey][]*Object
	files []*File             // all, by id
	named map[objectKey]*File // the first that leads to an object
	full  bool
}

// findObjects finds all objects, once. It decodes shared memory that nobody
// maps, which changes what the loader has of it: nobody else may by then.
func (l *loader) findObjects(ck *Checkpoint) *objects {
	o := &objects{loader: l, byKey: make(map[objectKey][]*Object), named: make(map[objectKey]*File)}
	for _, id := range slices.Sorted(maps.Keys(l.files)) {
		f := l.files[id]
		o.files = append(o.files, f)
		if key := f.objectKey(); o.named[key] == nil {
			o.named[key] = f
		}
	}
	o.ghosts()
	o.linked()
	o.memfds(ck.Processes)
	o.segments(ck.Processes)
	o.mapped(ck.Processes)
	o.messages(ck.IPC)
	o.pipes("pipes-data.img", criu.MagicPipesData, ObjectPipe, keyPipe)
	o.pipes("fifo-data.img", criu.MagicFIFOData, ObjectFIFO, keyFIFO)
	o.packets()
	o.streams()
	o.terminals()
	o.owners(ck.Processes)
	return o
}

func (o *objects) add(key objectKey, obj *Object) {
	if len(o.list) == maxObjects {
		if !o.full {
			o.warn.Addf("more than %d deleted files, queues and the like: the rest is left out", maxObjects)
		}
		o.full = true
		return
	}
	o.list = append(o.list, obj)
	o.byKey[key] = append(o.byKey[key], obj)
}

// nameOf is how processes saw the object of that key.
func (o *objects) nameOf(key objectKey) string {
	if f := o.named[key]; f != nil {
		return f.Path
	}
	return ""
}

// ghosts are the deleted files that CRIU saved with what was in them.
//
// Source: ghost-file-<id>.img, where id is hexadecimal.
func (o *objects) ghosts() {
	for _, id := range o.hexImages("ghost-file-") {
		key := objectKey{keyGhost, uint64(id)}
		obj := &Object{Kind: ObjectFile, ID: uint64(id), Name: o.nameOf(key), Unlinked: true}
		var head *ghost_file.GhostFileEntry
		if head, obj.Bytes, obj.Err = o.ghostFile(id); obj.Err != nil {
			o.warn.Addf("deleted file %q: %w", obj.Name, obj.Err)
		}
		obj.Mode, obj.UID, obj.GID = head.GetMode(), head.GetUid(), head.GetGid()
		obj.Target, obj.Rdev = cText(head.GetSymlnkTarget()), userDev(head.GetRdev())
		if len(obj.Target) >= maxPath {
			o.warn.Addf("deleted link %q: a target of %d bytes, left out", obj.Name, len(obj.Target))
			obj.Target = ""
		}
		if t := head.GetAtim(); t != nil {
			obj.ATime = time.Unix(int64(t.GetTvSec()), int64(t.GetTvUsec())*1000)
		}
		if t := head.GetMtim(); t != nil {
			obj.MTime = time.Unix(int64(t.GetTvSec()), int64(t.GetTvUsec())*1000)
		}
		o.add(key, obj)
	}
}

// userDev splits a device number as stat(2) gives it, in 32 bits
// (include/linux/kdev_t.h:new_decode_dev).
func userDev(dev uint32) Dev {
	return Dev{Major: dev >> 8 & 0xfff, Minor: dev&0xff | dev>>12&0xfff00}
}

// linked are the deleted files that had a further name somewhere. CRIU gave
// them one more, link_remap.<id>, beside the one that was deleted; it is in the
// root file system if the container was stopped by the dump, and taken away
// again where it was left running.
//
// Source: criu/files-reg.c:create_link_remap, criu/cr-dump.c:cr_dump_finish.
func (o *objects) linked() {
	for _, f := range o.files {
		key := f.objectKey()
		if key.kind != keyLink || o.byKey[key] != nil {
			continue
		}
		at := o.loader.files[f.linked]
		if at == nil {
			o.warn.Addf("deleted file %q is kept as file %d, which %s does not have", f.Path, f.linked, o.name("files.img"))
			continue
		}
		// The mount of its own is not recorded.
		b, err := o.find(&File{Path: at.Path, MountID: f.MountID})
		if err != nil || b == nil {
			o.warn.Addf("deleted file %q: it had another name, and the one that CRIU gave it, %q, is not there: its bytes are absent", f.Path, at.Path)
			continue
		}
		obj := &Object{Kind: ObjectFile, ID: key.id, Name: f.Path, Bytes: b}
		if m, ok := b.ReaderAt.(*archive.Member); ok {
			obj.Mode, obj.UID, obj.GID, obj.ATime, obj.MTime = m.Perm, m.UID, m.GID, m.AccessTime, m.ModTime
		}
		o.add(key, obj)
	}
}

// memfdMode is a field of memfd_inode_entry that go-criu does not know
// (images/memfd.proto).
const memfdMode = 9

// memfds are memory files, as which CRIU saves MAP_SHARED|MAP_ANONYMOUS memory
// too, under the name that the kernel gives it.
//
// Source: memfd.img; criu/memfd.c:dump_memfd_inode.
func (o *objects) memfds(processes []*Process) {
	o.warn.Add(optional(each(o.images, o.name("memfd.img"), criu.MagicMemfdInode, func(e *memfd.MemfdInodeEntry, _ *criu.Reader) error {
		key := objectKey{keyMemory, uint64(e.GetShmid())}
		if o.byKey[key] != nil {
			return fmt.Errorf("memfd %d: there more than once", e.GetShmid())
		}
		obj := &Object{
			Kind: ObjectMemfd, ID: key.id, Name: cText(e.GetName()[:min(len(e.GetName()), maxPath)]),
			Unlinked: true, UID: e.GetUid(), GID: e.GetGid(), Seals: e.GetSeals(),
			Memory: o.memory(processes, key.id, int64(e.GetSize())),
		}
		if mode := unknown(e, memfdMode); len(mode) > 0 {
			obj.Mode = uint32(mode[0]) & 0o7777
		}
		if obj.Name == devZero {
			obj.Kind = ObjectSharedMemory
		}
		o.add(key, obj)
		return nil
	})))
}

// segments are the SysV shared-memory segments.
func (o *objects) segments(processes []*Process) {
	for _, id := range slices.SortedFunc(maps.Keys(o.loader.segments), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(o.loader.segments[a].ns, o.loader.segments[b].ns), cmp.Compare(a, b))
	}) {
		s := o.loader.segments[id]
		obj := &Object{
			Kind: ObjectSegment, ID: id, NS: s.ns, Key: s.Key, Name: fmt.Sprintf("/SYSV%08x", s.Key),
			Unlinked: true, Mode: s.Mode & 0o777, UID: s.UID, GID: s.GID, Bytes: s.bytes,
		}
		if s.bytes == nil {
			obj.Memory = o.memory(processes, id, s.size)
		}
		o.add(objectKey{keySysV, id}, obj)
	}
}

// memory is a shared-memory object, which nobody need map.
func (o *objects) memory(processes []*Process, id uint64, size int64) *SharedMemory {
	if size < 0 {
		o.warn.Addf("shared memory %d: impossible size %d", id, uint64(size))
		size = 0
	}
	pageSize := defaultPageSize
	if i := slices.IndexFunc(processes, func(p *Process) bool { return p.MM != nil }); i >= 0 {
		pageSize = processes[i].MM.PageSize
	}
	s := *o.sharedMemory(id, size, pageSize)
	s.Size = size // an object of another kind may have the same id
	return &s
}

// mapped are the shared-memory objects of which nothing but mappings tells:
// anonymous ones, as CRIU saved them on older kernels. They are as long as they
// are mapped.
func (o *objects) mapped(processes []*Process) {
	ids := make(map[*SharedMemory]uint64)
	for id, s := range o.shared {
		ids[s] = id
	}
	sizes := make(map[objectKey]*Object)
	for _, v := range mappings(processes) {
		id, ok := ids[v.Shared]
		if !ok || v.Len() > uint64(math.MaxInt64-v.PgOff) {
			continue
		}
		key, kind, name := objectKey{keyMemory, id}, ObjectSharedMemory, devZero
		if v.Status.Has(StatusSysVIPC) {
			key, kind, name = objectKey{keySysV, id}, ObjectSegment, ""
		}
		if o.byKey[key] == nil {
			memory := *v.Shared
			sizes[key] = &Object{Kind: kind, ID: id, Name: name, Unlinked: true, Memory: &memory}
			o.add(key, sizes[key])
		}
		if obj := sizes[key]; obj != nil {
			obj.Memory.Size = max(obj.Memory.Size, v.PgOff+int64(v.Len()))
		}
	}
}

// messages are the messages in SysV queues.
func (o *objects) messages(namespaces []IPCNamespace) {
	for _, ns := range namespaces {
		for _, q := range ns.Queues {
			for i, m := range q.Messages {
				o.add(objectKey{"message", uint64(q.ID)}, &Object{
					Kind: ObjectMessage, ID: uint64(q.ID), NS: ns.ID, Key: q.Key, Part: fmt.Sprintf("%04d.type%d", i+1, m.Type),
					Mode: q.Mode & 0o777, UID: q.UID, GID: q.GID, Bytes: whole(m.Image, m.Off, m.Len),
				})
			}
		}
	}
}

// whole is what lies in one piece of an image.
func whole(image Image, at, size int64) *Backing {
	return &Backing{image, size, []Fragment{{0, size, at}}}
}
