package decoder

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	ipc_desc "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-desc"
	ipc_msg "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-shm"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// IPCNamespace is the System V IPC of a namespace, each list sorted by id.
//
// Source: ipcns-var-<ns>.img, ipcns-shm-<ns>.img, ipcns-sem-<ns>.img,
// ipcns-msg-<ns>.img.
type IPCNamespace struct {
	ID         uint32 // CRIU's id of the namespace
	Segments   []IPCSegment
	Semaphores []IPCSemaphores
	Queues     []IPCQueue
	Sysctls    []Sysctl
}

// IPCObject is what the objects of all kinds have.
type IPCObject struct {
	Key, ID                          uint32
	UID, GID, CreatorUID, CreatorGID uint32
	Mode                             uint32 // permissions, and the kernel's flags above them
}

// IPCSegment is a shared-memory segment.
type IPCSegment struct {
	IPCObject
	Size     int64         // bytes
	Attached int           // mappings of it
	Memory   *SharedMemory // nil where no process maps it
}

// IPCSemaphores is a set of semaphores.
type IPCSemaphores struct {
	IPCObject
	Values []uint16
}

// IPCQueue is a queue of messages.
type IPCQueue struct {
	IPCObject
	MaxBytes uint32 // bytes that it may hold
	Messages []IPCMessage
}

// IPCMessage is a message in a queue: Len bytes at Off in the image.
type IPCMessage struct {
	Image
	Type     int64
	Off, Len int64
}

// Bytes is the length of all messages together.
func (q IPCQueue) Bytes() (n int64) {
	for _, m := range q.Messages {
		n += m.Len
	}
	return n
}

// segment is a SysV segment by the ipc image.
type segment struct {
	IPCObject
	ns    uint32
	size  int64
	bytes *Backing // in older images; nil where they are in a pagemap
}

// loadSegments decodes the SysV shared-memory segments, by their id; 0 is one.
func (l *loader) loadSegments() map[uint64]segment {
	segments := make(map[uint64]segment)
	l.ipcImages("ipcns-shm-", func(ns uint32, name string) error {
		return each(l.images, name, criu.MagicIPCNSShm, func(e *ipc_shm.IpcShmEntry, r *criu.Reader) error {
			if e.GetSize() > math.MaxInt64-3 {
				return fmt.Errorf("segment %d: impossible size %d", e.GetDesc().GetId(), e.GetSize())
			}
			s := segment{ipcObject(e.GetDesc()), ns, int64(e.GetSize()), nil}
			if !e.GetInPagemaps() {
				// Older images have the bytes here, padded to four.
				at := r.Offset()
				if err := r.SkipPayload(int64(e.GetSize()+3) &^ 3); err != nil {
					return err
				}
				s.bytes = l.payload(name, at, s.size)
			}
			segments[uint64(e.GetDesc().GetId())] = s
			return nil
		})
	})
	return segments
}

// ipcImages calls decode for the images of that kind of each namespace.
func (l *loader) ipcImages(prefix string, decode func(ns uint32, name string) error) {
	for _, name := range l.matching(prefix + "*.img") {
		if ns, ok := imageID(name, prefix); ok {
			l.warn.Add(decode(ns, name))
		}
	}
}

// ipcNamespaces decodes the IPC namespaces, sorted by id. The processes say
// who maps which segment, and have its memory.
func (l *loader) ipcNamespaces(processes []*Process) []IPCNamespace {
	attached := make(map[*SharedMemory]int)
	for _, v := range mappings(processes) {
		if v.Status.Has(StatusSysVIPC) {
			attached[v.Shared]++
		}
	}
	byID := make(map[uint32]*IPCNamespace)
	of := func(id uint32) *IPCNamespace {
		if byID[id] == nil {
			byID[id] = &IPCNamespace{ID: id}
		}
		return byID[id]
	}
	// The settings are there even where the namespace has no object.
	l.ipcImages("ipcns-var-", func(id uint32, name string) (err error) {
		of(id).Sysctls, err = l.ipcSysctls(name)
		return err
	})
	for id, s := range l.segments {
		ns := of(s.ns)
		ns.Segments = append(ns.Segments, IPCSegment{s.IPCObject, s.size, attached[l.shared[id]], l.shared[id]})
	}
	l.ipcImages("ipcns-sem-", func(id uint32, name string) error {
		return each(l.images, name, criu.MagicIPCNSSem, func(e *ipc_sem.IpcSemEntry, r *criu.Reader) error {
			values, err := semaphores(e, r)
			ns := of(id)
			ns.Semaphores = append(ns.Semaphores, IPCSemaphores{ipcObject(e.GetDesc()), values})
			return err
		})
	})
	l.ipcImages("ipcns-msg-", func(id uint32, name string) error {
		queues, err := l.queues(name)
		of(id).Queues = queues
		return err
	})
	var list []IPCNamespace
	for _, ns := range byID {
		slices.SortFunc(ns.Segments, func(a, b IPCSegment) int { return cmp.Compare(a.ID, b.ID) })
		list = append(list, *ns)
	}
	slices.SortFunc(list, func(a, b IPCNamespace) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func ipcObject(d *ipc_desc.IpcDescEntry) IPCObject {
	return IPCObject{
		Key: d.GetKey(), ID: d.GetId(), Mode: d.GetMode(),
		UID: d.GetUid(), GID: d.GetGid(), CreatorUID: d.GetCuid(), CreatorGID: d.GetCgid(),
	}
}

// semaphores reads the values of a set: 16 bits each, padded to eight bytes.
//
// Source: criu/ipc_ns.c:dump_ipc_sem_set.
func semaphores(e *ipc_sem.IpcSemEntry, r *criu.Reader) ([]uint16, error) {
	b, err := r.Payload((2*int64(e.GetNsems()) + 7) &^ 7)
	if err != nil {
		return nil, err
	}
	values := make([]uint16, e.GetNsems())
	for i := range values {
		values[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return values, nil
}

// queues decodes the queues of messages. Behind a queue's entry stands, for
// each message, an entry and its bytes, padded to eight.
//
// Source: criu/ipc_ns.c:dump_ipc_msg_queue_messages.
func (l *loader) queues(name string) ([]IPCQueue, error) {
	image, err := l.image(name)
	if err != nil {
		return nil, err
	}
	r, err := criu.NewReader(name, l.metered(image), image.Size(), criu.MagicIPCNSMsg)
	if err != nil {
		return nil, err
	}
	var queues []IPCQueue
	seen := make(map[uint32]bool)
	for {
		var e ipc_msg.IpcMsgEntry
		if _, _, err := l.next(r, &e); errors.Is(err, io.EOF) {
			return queues, nil
		} else if err != nil {
			return queues, err
		}
		if id := e.GetDesc().GetId(); seen[id] {
			return queues, r.Errorf(r.Offset(), "queue %d: there more than once", id)
		}
		seen[e.GetDesc().GetId()] = true
		queues = append(queues, IPCQueue{IPCObject: ipcObject(e.GetDesc()), MaxBytes: e.GetQbytes()})
		q := &queues[len(queues)-1]
		for range e.GetQnum() {
			var m ipc_msg.IpcMsg
			_, end, err := l.next(r, &m)
			if errors.Is(err, io.EOF) {
				err = r.Errorf(image.Size(), "a queue of %d messages ends after %d", e.GetQnum(), len(q.Messages))
			}
			if err != nil {
				return queues, err
			}
			size := int64(m.GetMsize())
			if err := r.SkipPayload((size + 7) &^ 7); err != nil {
				return queues, err
			}
			q.Messages = append(q.Messages, IPCMessage{Image{image, l.mountPath(name)}, int64(m.GetMtype()), end, size})
		}
	}
}
