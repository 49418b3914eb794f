package decoder

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	pipe_data "github.com/checkpoint-restore/go-criu/v7/crit/images/pipe-data"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tty"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// payload is what lies in one piece of an image.
func (l *loader) payload(name string, at, size int64) *Backing {
	return whole(Image{l.member(name), l.mountPath(name)}, at, size)
}

// pipes are the bytes that nobody had read from pipes or FIFOs. CRIU saves an
// entry for each one that is open for reading, an empty one too.
//
// Source: criu/pipes.c:dump_one_pipe_data.
func (o *objects) pipes(image string, magic criu.Magic, kind ObjectKind, number string) {
	name := o.name("%s", image)
	o.warn.Add(optional(each(o.images, name, magic, func(e *pipe_data.PipeDataEntry, r *criu.Reader) error {
		at, size := r.Offset(), int64(e.GetBytes())
		if err := r.SkipPayload(size); err != nil || size == 0 {
			return err
		}
		key := objectKey{number, uint64(e.GetPipeId())}
		obj := &Object{Kind: kind, ID: key.id, Name: o.nameOf(key), Bytes: o.payload(name, at, size)}
		if kind == ObjectPipe {
			obj.Name = fmt.Sprintf("pipe:[%d]", key.id)
		}
		o.add(key, obj)
		return nil
	})))
}

// maxPackets is how many messages of a socket become objects of their own.
const maxPackets = 1000

// packets are the messages that nobody had received from UNIX sockets. Those of
// a stream are one object, for it has no borders between them.
func (o *objects) packets() {
	count := make(map[uint32]int)
	joined := make(map[uint32]*Object) // of several messages, by the socket
	for _, p := range o.socketQueues.packets {
		obj, stream := o.packet(p)
		count[p.file]++
		switch {
		case stream:
			obj.Part = "recv"
		case count[p.file] <= maxPackets:
			obj.Part = fmt.Sprintf("recv.%04d", count[p.file])
			o.add(objectKey{keyQueue, uint64(p.file)}, obj)
			continue
		default:
			obj.Part = "recv.rest"
		}
		if all := joined[p.file]; all != nil {
			appendPiece(all, obj)
			continue
		}
		if !stream {
			o.warn.Addf("%s: more than %d messages for file %d: the rest of them stand in one file", o.name("sk-queues.img"), maxPackets, p.file)
		}
		joined[p.file] = obj
		o.add(objectKey{keyQueue, uint64(p.file)}, obj)
	}
}

// packet is a message as an object, but for which part of the socket's it is. A
// stream is a socket without borders between messages.
func (o *objects) packet(p packet) (obj *Object, stream bool) {
	name := o.name("sk-queues.img")
	obj = &Object{Kind: ObjectSocket, ID: uint64(p.file), Bytes: o.payload(name, p.at, p.size)}
	if f := o.loader.files[p.file]; f != nil {
		if s, ok := f.Details.(*Socket); ok && s.Netlink == nil && s.Packet == nil {
			obj.Kind, obj.ID, obj.Name = ObjectTCP, uint64(s.Ino), f.Path
			if s.Unix != nil {
				obj.Kind, obj.Name = ObjectUnix, cmp.Or(s.Unix.KernelName(), f.Path)
				stream = s.Type == SocketStream
			}
		}
	}
	for _, right := range p.rights {
		if f := o.loader.files[right]; f != nil {
			obj.Rights = append(obj.Rights, f)
		} else {
			o.warn.Addf("%s: a message passes file %d, which %s does not have", name, right, o.name("files.img"))
		}
	}
	return obj, stream
}

// appendPiece adds more, which is in one piece, to the end of all.
func appendPiece(all, more *Object) {
	piece := more.Bytes.Fragments[0]
	piece.Off = all.Bytes.Size
	all.Bytes.Fragments = append(all.Bytes.Fragments, piece)
	all.Bytes.Size += piece.Len
	all.Rights = append(all.Rights, more.Rights...)
}

// streams are the queues of TCP connections, as far as anything waits in them.
func (o *objects) streams() {
	for _, s := range o.socketQueues.streams {
		for _, part := range []struct {
			name     string
			at, size int64
		}{{"recv", s.at, s.received}, {"send", s.at + s.received, s.unsent}} {
			if part.size > 0 {
				o.add(objectKey{keyTCP, uint64(s.ino)}, &Object{
					Kind: ObjectTCP, ID: uint64(s.ino), Part: part.name, Name: socketName(s.ino),
					Bytes: o.payload(o.name("tcp-stream-%x.img", s.ino), part.at, part.size),
				})
			}
		}
	}
}

// hexImages lists the hexadecimal numbers behind prefix in the names of images,
// ascending.
func (im *images) hexImages(prefix string) []uint32 {
	var ids []uint32
	for _, name := range im.matching(prefix + "*.img") {
		digits := strings.TrimSuffix(name[strings.LastIndex(name, prefix)+len(prefix):], ".img")
		if id, err := strconv.ParseUint(digits, 16, 32); err == nil && fmt.Sprintf("%x", id) == digits {
			ids = append(ids, uint32(id))
		}
	}
	slices.Sort(ids)
	return ids
}

// terminals are what was written to one side of a pseudoterminal and not read
// from the other. The bytes are in the entry itself.
//
// Source: tty-data.img; criu/tty.c:tty_do_dump_queued_data.
func (o *objects) terminals() {
	name := o.name("tty-data.img")
	o.warn.Add(optional(each(o.images, name, criu.MagicTTYData, func(e *tty.TtyDataEntry, r *criu.Reader) error {
		data := e.GetData()
		if len(data) == 0 {
			return nil
		}
		// Where in the entry they are does not matter, should they be there twice.
		at := r.Offset() - int64(len(r.Entry())) + int64(bytes.Index(r.Entry(), data))
		key := objectKey{keyTTY, uint64(e.GetTtyId())}
		o.add(key, &Object{Kind: ObjectTTY, ID: key.id, Name: o.nameOf(key), Bytes: o.payload(name, at, int64(len(data)))})
		return nil
	})))
}
