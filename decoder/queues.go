package decoder

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	pipe_data "github.com/checkpoint-restore/go-criu/v7/crit/images/pipe-data"
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"
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
//
// Source: sk-queues.img; criu/sk-queue.c:dump_sk_queue.
func (o *objects) packets() {
	name := o.name("sk-queues.img")
	count := make(map[uint32]int)
	streams := make(map[uint32]*Object)
	o.warn.Add(optional(each(o.images, name, criu.MagicSkQueues, func(e *sk_packet.SkPacketEntry, r *criu.Reader) error {
		at, size, id := r.Offset(), int64(e.GetLength()), e.GetIdFor()
		if err := r.SkipPayload(size); err != nil {
			return err
		}
		obj := &Object{Kind: ObjectSocket, ID: uint64(id), Bytes: o.payload(name, at, size)}
		stream := false // without borders between messages
		if f := o.loader.files[id]; f != nil {
			if s, ok := f.Details.(*Socket); ok && s.Netlink == nil && s.Packet == nil {
				obj.Kind, obj.ID, obj.Name = ObjectTCP, uint64(s.Ino), f.Path
				if s.Unix != nil {
					obj.Kind, obj.Name = ObjectUnix, cmp.Or(s.Unix.KernelName(), f.Path)
					stream = s.Type == SocketStream
				}
			}
		}
		for _, scm := range e.GetScm() {
			for _, right := range scm.GetRights() {
				if f := o.loader.files[right]; f != nil {
					obj.Rights = append(obj.Rights, f)
				} else {
					o.warn.Addf("%s: a message passes file %d, which %s does not have", name, right, o.name("files.img"))
				}
			}
		}
		count[id]++
		switch {
		case stream:
			obj.Part = "recv"
		case count[id] <= maxPackets:
			obj.Part = fmt.Sprintf("recv.%04d", count[id])
			o.add(objectKey{keyQueue, uint64(id)}, obj)
			return nil
		default:
			obj.Part = "recv.rest"
		}
		if all := streams[id]; all != nil {
			appendPiece(all, obj)
			return nil
		}
		if !stream {
			o.warn.Addf("%s: more than %d messages for file %d: the rest of them stand in one file", name, maxPackets, id)
		}
		streams[id] = obj
		o.add(objectKey{keyQueue, uint64(id)}, obj)
		return nil
	})))
}

// appendPiece adds more, which is in one piece, to the end of all.
func appendPiece(all, more *Object) {
	piece := more.Bytes.Fragments[0]
	piece.Off = all.Bytes.Size
	all.Bytes.Fragments = append(all.Bytes.Fragments, piece)
	all.Bytes.Size += piece.Len
	all.Rights = append(all.Rights, more.Rights...)
}

// streams are the queues of TCP connections: behind the entry stands what was
// received and not read, then what was sent and not acknowledged or not sent
// yet, neither of them padded.
//
// Source: tcp-stream-<ino>.img, where ino is hexadecimal;
// criu/sk-tcp.c:dump_tcp_conn_state.
func (o *objects) streams() {
	for _, ino := range o.hexImages("tcp-stream-") {
		name := o.name("tcp-stream-%x.img", ino)
		err := each(o.images, name, criu.MagicTCPStream, func(e *tcp_stream.TcpStreamEntry, r *criu.Reader) error {
			at, in, out := r.Offset(), int64(e.GetInqLen()), int64(e.GetOutqLen())
			if err := r.SkipPayload(in + out); err != nil {
				return err
			}
			for _, part := range []struct {
				name     string
				at, size int64
			}{{"recv", at, in}, {"send", at + in, out}} {
				if part.size > 0 {
					o.add(objectKey{keyTCP, uint64(ino)}, &Object{
						Kind: ObjectTCP, ID: uint64(ino), Part: part.name, Name: socketName(ino),
						Bytes: o.payload(name, part.at, part.size),
					})
				}
			}
			return errStop
		})
		if !errors.Is(err, errStop) {
			o.warn.Add(err)
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
