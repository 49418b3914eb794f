package imagejson

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// payloadOf is an entry behind which its payload follows.
type payloadOf struct {
	*criu.Reader
	message *message
	entry   []byte // until the payload is read
	first   bool   // it is the first of the image
}

// number is the value of a number of an entry by its name; 0 where it is not
// there.
func (m *message) number(entry []byte, name string) (n int64) {
	list, _, _ := m.values(entry)
	for _, v := range list {
		if v.field != nil && v.field.name == name {
			_ = v.field.numbers(entry[v.start:v.end], func(x uint64) { n = int64(x) })
		}
	}
	return n
}

func (e payloadOf) number(name string) int64 { return e.message.number(e.entry, name) }

// bytesOf is a payload whose length is the sum of these fields.
//
// Source: criu/pipes.c:dump_one_pipe_data, criu/sk-queue.c:dump_sk_queue,
// criu/bpfmap.c:dump_one_bpfmap_data.
func bytesOf(names ...string) func(*printer, payloadOf) error {
	return func(p *printer, e payloadOf) error {
		var n int64
		for _, name := range names {
			n += int64(uint32(e.number(name)))
		}
		p.key("extra")
		return p.following(e.Reader, n)
	}
}

// tcpQueues is what was received and not read, and what was sent and not
// acknowledged.
//
// Source: criu/sk-tcp.c:dump_tcp_conn_state.
func tcpQueues(p *printer, e payloadOf) error {
	in, out := int64(uint32(e.number("inq_len"))), int64(uint32(e.number("outq_len")))
	p.key("extra")
	p.open('{')
	p.key("inq")
	if err := p.following(e.Reader, in); err != nil {
		return err
	}
	p.key("outq")
	if err := p.following(e.Reader, out); err != nil {
		return err
	}
	p.close('}')
	return nil
}

// ghostFile is the content of a deleted file: all of it behind the first
// entry, or a piece behind each of the others.
//
// Source: criu/files-reg.c:dump_ghost_file, copy_file_to_chunks.
func ghostFile(p *printer, e payloadOf) error {
	size := p.image.Size - e.Offset()
	if !e.first {
		size = e.number("len")
	} else if e.number("chunks") != 0 {
		return nil
	}
	p.key("extra")
	return p.following(e.Reader, size)
}

// segment is the content of a SysV segment, where that has no pagemap: padded
// to four bytes.
//
// Source: criu/ipc_ns.c:dump_ipc_shm_seg.
func segment(p *printer, e payloadOf) error {
	if e.number("in_pagemaps") != 0 {
		return nil
	}
	size := e.number("size")
	p.key("extra")
	if err := p.following(e.Reader, size); err != nil {
		return err
	}
	return e.SkipPayload(-size & 3)
}

// semaphores is the values of a set: 16 bits each, padded to eight bytes.
//
// Source: criu/ipc_ns.c:dump_ipc_sem_set.
func semaphores(p *printer, e payloadOf) error {
	size := 2 * int64(uint32(e.number("nsems")))
	b, err := e.Payload(size)
	if err != nil {
		return err
	}
	p.key("extra")
	p.open('[')
	for ; len(b) > 0 && p.err == nil; b = b[2:] {
		p.element()
		p.literal(fmt.Sprint(binary.LittleEndian.Uint16(b)))
	}
	p.close(']')
	return e.SkipPayload(-size & 7)
}

// messages is those of a queue: an entry for each, and its bytes, padded to
// eight.
//
// Source: criu/ipc_ns.c:dump_ipc_msg_queue_messages.
func messages(p *printer, e payloadOf) error {
	of := p.messages["ipc_msg"]
	count := uint32(e.number("qnum"))
	p.key("extra")
	p.open('[')
	for range count {
		entry, at, err := e.Next()
		if errors.Is(err, io.EOF) {
			return p.errorf(p.image.Size, "the end of the image in a queue of %d messages", count)
		} else if err != nil {
			return err
		}
		p.element()
		p.open('{')
		if err := p.fields(body{message: of, bytes: entry, at: at}); err != nil {
			return err
		}
		p.close('}')
		p.element()
		size := int64(uint32(of.number(entry, "msize")))
		if err := p.following(e.Reader, size); err != nil {
			return err
		}
		if err := e.SkipPayload(-size & 7); err != nil {
			return err
		}
	}
	p.close(']')
	return p.err
}
