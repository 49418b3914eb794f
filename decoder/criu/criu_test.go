package criu_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// image is an image of raw entries.
func image(magics []criu.Magic, entries ...string) []byte {
	var b []byte
	for _, m := range magics {
		b = binary.LittleEndian.AppendUint32(b, uint32(m))
	}
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	return b
}

func TestReader(t *testing.T) {
	v11 := []criu.Magic{criu.MagicCommon, criu.MagicMM}
	for _, test := range []struct {
		name    string
		image   []byte
		want    string // entries, with their offsets
		wantErr string // "" for none
	}{
		{"version 1.1", image(v11, "ab", "", "c"), "12:ab 18: 22:c", ""},
		{"version 1, no common magic", image(v11[1:], "ab"), "8:ab", ""},
		{"service magic", image([]criu.Magic{criu.MagicService, criu.MagicMM}, "ab"), "12:ab", ""},
		{"no entries", image(v11), "", ""},
		{"empty file", nil, "", "x.img: offset 0: reading the magic"},
		{"cut in the magic", image(v11)[:6], "", "x.img: offset 4: reading the magic"},
		{"another type", image([]criu.Magic{criu.MagicCommon, criu.MagicFS}), "", "x.img: offset 4: magic 0x51403912, want 0x57492820"},
		{"cut in a size", image(v11, "ab", "c")[:16], "12:ab", "x.img: offset 14: reading the size"},
		{"cut in an entry", image(v11, "ab", "cdef")[:20], "12:ab", "x.img: offset 14: an entry of 4 bytes where 2 are left"},
		{"size out of all proportion", append(image(v11), 0xff, 0xff, 0xff, 0xff), "", "x.img: offset 8: an entry of 4294967295 bytes where 0 are left"},
	} {
		got, err := readAll(test.image)
		if got != test.want {
			t.Errorf("%s: entries %q, want %q", test.name, got, test.want)
		}
		var format *criu.FormatError
		if test.wantErr == "" && err != nil ||
			test.wantErr != "" && (!errors.As(err, &format) || !strings.HasPrefix(err.Error(), test.wantErr)) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.wantErr)
		}
	}
}

func readAll(image []byte) (string, error) {
	r, err := criu.NewReader("x.img", bytes.NewReader(image), int64(len(image)), criu.MagicMM)
	if err != nil {
		return "", err
	}
	var got []string
	for {
		entry, off, err := r.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(got, " "), nil
		} else if err != nil {
			return strings.Join(got, " "), err
		}
		got = append(got, fmt.Sprintf("%d:%s", off, entry))
	}
}

// liar claims to have more bytes than it has, as a member of an archive that
// was cut short does.
type liar struct{ io.ReaderAt }

func TestReaderAllocatesWhatIsThere(t *testing.T) {
	b := image([]criu.Magic{criu.MagicCommon, criu.MagicMM})
	b = binary.LittleEndian.AppendUint32(b, criu.MaxEntry)
	r, err := criu.NewReader("x.img", liar{bytes.NewReader(b)}, 1<<40, criu.MagicMM)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(); err == nil {
		t.Error("an entry that is not there was read")
	}
	_, _, err = mustReader(t, append(b[:8], 0xff, 0xff, 0xff, 0xff), 1<<40).Next()
	if err == nil || !strings.Contains(err.Error(), "none is larger than") {
		t.Errorf("an entry of 4 GiB: error %v", err)
	}
}

func mustReader(t *testing.T, b []byte, size int64) *criu.Reader {
	t.Helper()
	r, err := criu.NewReader("x.img", liar{bytes.NewReader(b)}, size, criu.MagicMM)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSkipPayload(t *testing.T) {
	b := image([]criu.Magic{criu.MagicCommon, criu.MagicMM}, "ab")
	b = append(b, "payload!"...)
	b = append(b, image(nil, "cd")...)
	r := mustReader(t, b, int64(len(b)))
	if _, _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.SkipPayload(8); err != nil {
		t.Fatal(err)
	}
	if entry, off, err := r.Next(); string(entry) != "cd" || off != 26 || err != nil {
		t.Errorf("Next() after a payload = %q, %d, %v, want \"cd\", 26", entry, off, err)
	}
	if err := r.SkipPayload(1); err == nil {
		t.Error("SkipPayload past the end: no error")
	}
	if err := r.SkipPayload(-1); err == nil {
		t.Error("SkipPayload(-1): no error")
	}
}

// counting counts the bytes that are read.
type counting struct {
	io.ReaderAt
	n int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += n
	return n, err
}

// A payload that is passed over is not read.
func TestSkipLargePayload(t *testing.T) {
	const size = 64 << 20
	b := append(image([]criu.Magic{criu.MagicCommon, criu.MagicMM}, "ab"), make([]byte, size)...)
	b = append(b, image(nil, "cd")...)
	c := &counting{ReaderAt: bytes.NewReader(b)}
	r, err := criu.NewReader("x.img", c, int64(len(b)), criu.MagicMM)
	if err != nil {
		t.Fatal(err)
	}
	if entry, _, err := r.Next(); string(entry) != "ab" || err != nil || r.Offset() != 14 || string(r.Entry()) != "ab" {
		t.Fatalf("Next() = %q, %v, then at %d", entry, err, r.Offset())
	}
	if err := r.SkipPayload(size); err != nil {
		t.Fatal(err)
	}
	if entry, off, err := r.Next(); string(entry) != "cd" || off != 14+size+4 || err != nil {
		t.Errorf("Next() behind the payload = %q, %d, %v", entry, off, err)
	}
	if c.n > 1<<20 {
		t.Errorf("%d bytes read", c.n)
	}
}

func TestReadPagemap(t *testing.T) {
	const present, parent, lazy = criu.PagePresent, criu.PageParent, criu.PageLazy
	runs := []decodertest.Run{
		{Addr: 0x1000, Pages: 3, Flags: present},
		{Addr: 0x9000, Pages: 2, Flags: parent},
		{Addr: 0xb000, Pages: 7, Flags: lazy},
		{Addr: 0x20000, Pages: 1, Flags: present | lazy},
	}
	want := []criu.PageRun{
		{Addr: 0x1000, Pages: 3, Flags: present, Index: 0},
		{Addr: 0x9000, Pages: 2, Flags: parent},
		{Addr: 0xb000, Pages: 7, Flags: lazy},
		{Addr: 0x20000, Pages: 1, Flags: present | lazy, Index: 3},
	}
	for _, old := range []bool{false, true} {
		b := decodertest.Pagemap(7, old, runs...)
		m, err := criu.ReadPagemap("pagemap-1.img", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("old %v: %v", old, err)
		}
		if m.PagesID != 7 || m.Present != 4 || fmt.Sprint(m.Runs) != fmt.Sprint(want) {
			t.Errorf("old %v: ReadPagemap() = %+v, want pages id 7, 4 pages, %+v", old, m, want)
		}
	}
}

func TestReadPagemapFields(t *testing.T) {
	type field struct {
		n protowire.Number
		v uint64
	}
	for _, test := range []struct {
		name    string
		fields  []field
		want    criu.PageRun
		wantErr string
	}{
		{"no flags: present", []field{{1, 0x1000}, {2, 5}}, criu.PageRun{Addr: 0x1000, Pages: 5, Flags: criu.PagePresent}, ""},
		{"in_parent: parent", []field{{1, 0x1000}, {2, 5}, {3, 1}}, criu.PageRun{Addr: 0x1000, Pages: 5, Flags: criu.PageParent}, ""},
		{"field 5 before field 2", []field{{1, 0x1000}, {2, 5}, {5, 6}}, criu.PageRun{Addr: 0x1000, Pages: 6, Flags: criu.PagePresent}, ""},
		{"flags before in_parent", []field{{1, 0x1000}, {2, 5}, {3, 1}, {4, 4}}, criu.PageRun{Addr: 0x1000, Pages: 5, Flags: criu.PagePresent}, ""},
		{"unknown fields", []field{{1, 0x1000}, {2, 5}, {99, 1}}, criu.PageRun{Addr: 0x1000, Pages: 5, Flags: criu.PagePresent}, ""},
		{"no pages", []field{{1, 0x1000}, {2, 0}}, criu.PageRun{}, "number of pages"},
		{"more pages than an address space", []field{{1, 0x1000}, {5, 1 << 40}}, criu.PageRun{}, "number of pages"},
		{"no address", []field{{2, 1}}, criu.PageRun{}, "no address"},
		{"compressed blocks", []field{{1, 0x1000}, {5, 1}, {6, 0}}, criu.PageRun{}, "compressed"},
		{"aligned payload", []field{{1, 0x1000}, {5, 1}, {4, 12}}, criu.PageRun{}, "compressed"},
	} {
		var entry []byte
		for _, f := range test.fields {
			entry = protowire.AppendVarint(protowire.AppendTag(entry, f.n, protowire.VarintType), f.v)
		}
		head := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
		b := image([]criu.Magic{criu.MagicCommon, criu.MagicPagemap}, string(head), string(entry))
		m, err := criu.ReadPagemap("pagemap-1.img", bytes.NewReader(b), int64(len(b)))
		switch {
		case test.wantErr != "":
			if err == nil || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("%s: error %v, want %q", test.name, err, test.wantErr)
			}
		case err != nil || len(m.Runs) != 1 || m.Runs[0] != test.want:
			t.Errorf("%s: ReadPagemap() = %+v, %v, want %+v", test.name, m, err, test.want)
		}
	}
}

func FuzzPagemap(f *testing.F) {
	f.Add(decodertest.Pagemap(1, false, decodertest.Run{Addr: 0x1000, Pages: 2, Flags: criu.PagePresent}))
	f.Add(decodertest.Pagemap(1, true, decodertest.Run{Addr: 0x1000, Pages: 2, Flags: criu.PageParent}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := criu.ReadPagemap("pagemap-1.img", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var present uint64
		for _, r := range m.Runs {
			if r.Pages == 0 {
				t.Errorf("run %+v has no pages", r)
			}
			if r.Flags&criu.PagePresent != 0 {
				if r.Index != present {
					t.Errorf("run %+v: index, want %d", r, present)
				}
				present += uint64(r.Pages)
			}
		}
		if present != m.Present {
			t.Errorf("Present = %d, want %d", m.Present, present)
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add(image([]criu.Magic{criu.MagicCommon, criu.MagicMM}, "ab", "c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := readAll(b); err == nil && len(got) > 100*len(b)+100 {
			t.Errorf("%d bytes give entries of %d", len(b), len(got))
		}
	})
}

func BenchmarkReadPagemap(b *testing.B) {
	runs := make([]decodertest.Run, 1_000_000)
	for i := range runs {
		runs[i] = decodertest.Run{Addr: uint64(i) * 0x2000, Pages: 1, Flags: criu.PagePresent}
	}
	image := decodertest.Pagemap(1, false, runs...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := criu.ReadPagemap("pagemap-1.img", bytes.NewReader(image), int64(len(image))); err != nil {
			b.Fatal(err)
		}
	}
}
