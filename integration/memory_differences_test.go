package integration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// differences are all pages that are not as the record has them, which was
// made after the dump. The last field of those is why.
//
// The kernel rewrites a thread's struct rseq as it is scheduled. A page listed
// for that must hold one, by the thread's core image, and be the recorded page
// but for these 32 bytes: with another processor in them its checksum is the
// recorded one.
//
// counter.py polls twice a second. A page listed for that must be the archive's.
var differences = []struct {
	fixture string
	pid     int
	page    uint64
	why     string
}{
	{"zoo", 1, 0x7f93d71fc000, rseq},
	{"zoo", 1, 0x7f93d79fd000, rseq},
	{"zoo", 1, 0x7f93d81fe000, rseq},
	{"zoo", 1, 0x7f9418c8e000, rseq},
	{"counter", 1, 0x7f5ed1fbc000, rseq},
	{"counter", 6, 0x7f68e34d2000, rseq},
	{"counter", 6, 0x00a6a000, "polls: python's static data"},
	{"counter", 6, 0x00a6b000, "polls: python's static data"},
	{"counter", 6, 0x00ac6000, "polls: python's bss"},
	{"counter", 6, 0x14648000, "polls: heap"},
	{"counter", 6, 0x7f68e2f18000, "polls: python's arenas"},
	{"counter", 6, 0x7f68e2f27000, "polls: python's arenas"},
	{"counter", 6, 0x7f68e2f67000, "polls: python's arenas"},
	{"counter", 6, 0x7ffc89592000, "polls: stack"},
	{"dedup", 748, 0x2904c000, rseq},
	{"nr2", 7, 0x1574b000, rseq},
	{"nr2", 11, 0x7fb705874000, rseq},
	{"nr2", 11, 0x7fb705c75000, rseq},
	{"nr2", 13, 0x1574b000, rseq},
	{"nr3", 3, 0x264dc000, rseq},
	{"nr3", 4, 0x264dc000, rseq},
	{"nr3", 5, 0x264dc000, rseq},
	{"nr3", 7, 0x264dc000, rseq},
	{"nr3", 7, 0x7fe9d87d1000, rseq},
	{"nr3", 7, 0x7fe9d97d3000, rseq},
	{"compat", 1889, 0x09d0a000, rseq},
	{"containerd", 9, 0x3e11b000, rseq},
	{"containerd", 10, 0x3e11b000, rseq},
	{"containerd", 13, 0x7f6595da5000, rseq},
	{"containerd", 13, 0x7f65965a6000, rseq},
	{"containerd", 14, 0x3e11b000, rseq},
	{"containerd", 19, 0x3e11b000, rseq},
	{"containerd", 21, 0x3e11b000, rseq},
	{"tasks", 9, 0x3e11b000, rseq},
	{"tasks", 19, 0x3e11b000, rseq},
	{"tasks", 23, 0x3e11b000, rseq},
	{"docker", 1, 0x5bbb000, rseq},
	{"docker", 12, 0x5bbb000, rseq},
	{"docker", 13, 0x5bbb000, rseq},
	{"docker", 14, 0x7ff2f724f000, rseq},
	{"docker", 14, 0x7ff2f7a50000, rseq},
	{"docker", 15, 0x5bbb000, rseq},
	{"docker", 20, 0x5bbb000, rseq},
	{"docker", 22, 0x5bbb000, rseq},
	{"docker", 23, 0x5bbb000, rseq},
}

const rseq = "struct rseq"

// listed returns, by address, the pages of the process that differ, each with
// a function that tells whether a page is what it then has to be, by the
// recorded checksum.
func (p processPages) listed() map[uint64]func(page []byte, sum string) bool {
	p.t.Helper()
	out := make(map[uint64]func([]byte, string) bool)
	for _, d := range differences {
		switch {
		case d.fixture != p.fixture || d.pid != p.pid:
		case d.why != rseq:
			captured := readOracle(p.t, filepath.Join(contents(p.t, p.fixture), "checkpoint"), p.pid)
			out[d.page] = func(page []byte, _ string) bool { return bytes.Equal(page, captured[d.page]) }
		default:
			offset := p.rseqIn(d.page)
			if offset < 0 {
				p.t.Errorf("no thread of %d has its struct rseq in %x, want one: the page is listed for it", p.pid, d.page)
				continue
			}
			out[d.page] = func(page []byte, sum string) bool { return rescheduled(page, offset, sum) }
		}
	}
	return out
}

// rescheduled reports whether page has the checksum once the struct rseq at
// offset says that the thread runs on another processor, with another
// concurrency id (linux/rseq.h).
func rescheduled(page []byte, offset int, sum string) bool {
	const processors = 8
	const cpuIDStart, cpuID, rseqCS, mmCID = 0, 4, 8, 24
	b := bytes.Clone(page)
	area := b[offset:]
	binary.LittleEndian.PutUint64(area[rseqCS:], 0)
	for cpu := range uint32(processors) {
		for cid := range uint32(processors) {
			binary.LittleEndian.PutUint32(area[cpuIDStart:], cpu)
			binary.LittleEndian.PutUint32(area[cpuID:], cpu)
			binary.LittleEndian.PutUint32(area[mmCID:], cid)
			if sha1Hex(b) == sum {
				return true
			}
		}
	}
	return false
}

// rseqIn returns where in the page at addr a thread of the process has its
// struct rseq, and -1 where none has.
func (p processPages) rseqIn(addr uint64) int {
	p.t.Helper()
	images := ""
	for _, l := range p.idx() {
		if l.kind == "captured" {
			images = path.Dir(l.source)
			break
		}
	}
	for _, tid := range pids(p.t, filepath.Join(p.root, "procs", fmt.Sprint(p.pid), "task")) {
		pointer := rseqPointer(p.t, filepath.Join(p.root, images, fmt.Sprintf("core-%d.img", tid)))
		if addr <= pointer && pointer < addr+pageSize {
			return int(pointer - addr)
		}
	}
	return -1
}

// rseqPointer returns thread_core.rseq_entry.rseq_abi_pointer of a core image.
func rseqPointer(t testing.TB, image string) uint64 {
	t.Helper()
	const threadCore, rseqEntry, rseqABIPointer = 5, 15, 1
	entry := readEntries(t, image, []byte(read(t, image)))[0]
	return varints(t, submessage(t, submessage(t, entry, threadCore), rseqEntry))[rseqABIPointer]
}

// submessage returns the last field of that number.
func submessage(t testing.TB, message []byte, number protowire.Number) (field []byte) {
	t.Helper()
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		if num == number && typ == protowire.BytesType {
			field, _ = protowire.ConsumeBytes(message[n:])
		}
		m := protowire.ConsumeFieldValue(num, typ, message[n:])
		if m < 0 {
			t.Fatal(protowire.ParseError(m))
		}
		message = message[n+m:]
	}
	return field
}
