package layout_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"path"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// seeds are real checkpoints, the smallest first, as far as their members are
// small: what a fuzz target can open some hundred times a second.
var seeds = [][]string{
	{"spaces", "spaces.tar.zst"},
	{"sockets", "sockets.tar.zst"},
	{"files", "files.tar.zst"},
	{"ghosts", "checkpoint.tar.zst"},
	{"nonroot", "nr2.tar.zst"},
	{"zoo", "checkpoint.tar.zst"},
	{"counter", "checkpoint.tar.zst"},
}

// maxSeed is the size in bytes above which a member is left out.
const maxSeed = 160 << 10

// seed is a checkpoint and a member of it that can be another.
type seed struct {
	tar     []byte // of all members, without its end
	name    string
	content []byte
}

// fuzzSeeds are the members of all seeds, one of each kind: a further core
// image has nothing that the first does not have.
func fuzzSeeds(f *testing.F) (list []seed) {
	f.Helper()
	kinds := make(map[string]bool)
	for _, parts := range seeds {
		whole := fixture(f, parts...)
		a, err := archive.OpenNested(bytes.NewReader(whole), int64(len(whole)), archive.Options{})
		if err != nil {
			f.Fatal(err)
		}
		contents, links := make(map[string][]byte), make(map[string]string)
		var names []string
		for _, m := range a.Members() {
			switch {
			case m.Type == archive.TypeSymlink:
				links[m.Name] = m.Target
			case m.Type == archive.TypeRegular && m.Size() <= maxSeed:
				content, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
				if err != nil {
					f.Fatal(err)
				}
				contents[m.Name] = content
				names = append(names, m.Name)
			}
		}
		tar := decodertest.Endless(decodertest.TarOf(contents, links))
		for _, name := range names {
			if kind := strings.TrimRight(strings.TrimSuffix(path.Base(name), ".img"), "0123456789abcdef"); kind != "pages-" && !kinds[kind] {
				kinds[kind] = true
				list = append(list, seed{tar, name, contents[name]})
			}
		}
	}
	return list
}

// with is the archive with another content of the member. Of two members of one
// name the last counts.
func (s seed) with(content []byte) []byte {
	return append(s.tar[:len(s.tar):len(s.tar)], decodertest.TarOf(map[string][]byte{s.name: content}, nil)...)
}

func tryArchive(t *testing.T, tar []byte) {
	t.Helper()
	if _, err := lookAt(bytes.NewReader(tar), int64(len(tar))); err != nil {
		t.Error(err)
	}
}

// FuzzMember opens a checkpoint of which a member is anything, and walks the
// whole tree: no panic, nothing that is no tree, and neither time nor memory
// beyond a bound.
func FuzzMember(f *testing.F) {
	list := fuzzSeeds(f)
	for i, s := range list {
		f.Add(uint16(i), s.content)
	}
	f.Fuzz(func(t *testing.T, which uint16, content []byte) {
		tryArchive(t, list[int(which)%len(list)].with(content))
	})
}

// FuzzFields opens a checkpoint in whose images some fields are others: each is
// said by a patch, so that what is tried is nearly always an image that can be
// decoded.
func FuzzFields(f *testing.F) {
	list := fuzzSeeds(f)
	for i := range list {
		f.Add(uint16(i), []byte{3, 0, byte(i), 9})
	}
	f.Fuzz(func(t *testing.T, which uint16, patches []byte) {
		s := list[int(which)%len(list)]
		tryArchive(t, s.with(patched(s.content, patches)))
	})
}

// maxPatched is about how long a patched image gets, in bytes: what is there
// many times may hold what is there many times.
const maxPatched = 1 << 20

// patched is an image whose fields are changed by patches of four bytes: which
// field (two bytes), what is done to it, and with which value. An image that is
// no list of entries stays as it is.
func patched(image, patches []byte) []byte {
	start := 4
	if len(image) >= 8 && criu.Magic(binary.LittleEndian.Uint32(image)) == criu.MagicCommon {
		start = 8
	}
	if len(image) < start {
		return image
	}
	var entries []*field
	for rest := image[start:]; len(rest) > 0; {
		if len(rest) < 4 || uint64(binary.LittleEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return image
		}
		n := 4 + int(binary.LittleEndian.Uint32(rest))
		fields, ok := parseFields(rest[4:n])
		if !ok {
			return image
		}
		entries = append(entries, &field{typ: protowire.BytesType, sub: fields})
		rest = rest[n:]
	}
	const most = 16 // patches
	for patches = patches[:min(len(patches), 4*most)]; len(patches) >= 4 && len(entries) > 0; patches = patches[4:] {
		patch(entries, int(binary.LittleEndian.Uint16(patches)), patches[2], patches[3])
	}
	out := bytes.Clone(image[:start])
	for _, e := range entries {
		for n := e.times(); n > 0 && len(out) < maxPatched; n-- {
			b := e.value()
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), b...)
		}
	}
	return out
}

// field is a field of a message, or an entry.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64   // of a varint
	bytes  []byte   // of any other
	sub    []*field // of what may be a message
	count  int      // 0: once; -1: not at all
}

func (f *field) times() int {
	if f.count == 0 {
		return 1
	}
	return max(f.count, 0)
}

func (f *field) value() []byte {
	if f.sub == nil {
		return f.bytes
	}
	var b []byte
	for _, s := range f.sub {
		for n := s.times(); n > 0 && len(b) < maxPatched; n-- {
			b = protowire.AppendTag(b, s.num, s.typ)
			switch s.typ {
			case protowire.VarintType:
				b = protowire.AppendVarint(b, s.number)
			case protowire.BytesType:
				b = protowire.AppendBytes(b, s.value())
			default:
				b = append(b, s.bytes...)
			}
		}
	}
	return b
}

func parseFields(b []byte) (list []*field, ok bool) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false
		}
		f := &field{num: num, typ: typ}
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 || typ == protowire.StartGroupType {
			return nil, false
		}
		switch f.bytes = b[n : n+m]; typ {
		case protowire.VarintType:
			f.number, _ = protowire.ConsumeVarint(f.bytes)
		case protowire.BytesType:
			f.bytes, _ = protowire.ConsumeBytes(f.bytes)
			if sub, ok := parseFields(f.bytes); ok {
				f.sub = sub
			}
		default:
		}
		list = append(list, f)
		b = b[n+m:]
	}
	return list, true
}

// patchNumbers are numbers at which something may go over an edge.
var patchNumbers = []uint64{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 16, 64, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
	1 << 47, 1<<47 - 4096, 1 << 62, 1<<63 - 4096, 1<<63 - 1, 1 << 63, ^uint64(4095), ^uint64(0),
}

// patch changes one of the fields of a list, counted through.
func patch(list []*field, which int, op, value byte) {
	var all []*field
	var collect func([]*field)
	collect = func(list []*field) {
		for _, f := range list {
			all = append(all, f)
			collect(f.sub)
		}
	}
	collect(list)
	f := all[which%len(all)]
	n := int(value)
	switch op % 5 {
	case 0:
		f.number = patchNumbers[n%len(patchNumbers)]
	case 1:
		f.number += uint64(n)
	case 2:
		f.count = n - 1 // 0 times, or many
	case 3: // as another field is
		from := all[(which+n)%len(all)]
		f.number, f.bytes = from.number, from.bytes
		if f != from && !from.holds(f) {
			f.sub = from.sub
		}
	case 4: // a long text of any byte
		f.sub, f.bytes = nil, bytes.Repeat([]byte{value, '/', '.', '.'}, int(patchNumbers[n%19]%5000))
	}
}

// holds tells whether g stands somewhere in f.
func (f *field) holds(g *field) bool {
	for _, s := range f.sub {
		if s == g || s.holds(g) {
			return true
		}
	}
	return false
}
