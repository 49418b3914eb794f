package archive

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// The sparse members here have 30 fragments of 512 bytes, one every 4096, and
// end in a hole.
const (
	fragments    = 30
	fragmentSize = block
	fragmentGap  = 4096
	sparseSize   = fragments*fragmentGap + 100
)

func sparseData() string {
	var b strings.Builder
	for i := range fragments {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), fragmentSize))
	}
	return b.String()
}

func sparseContent() []byte {
	content, data := make([]byte, sparseSize), sparseData()
	for i := range fragments {
		copy(content[i*fragmentGap:], data[i*fragmentSize:][:fragmentSize])
	}
	return content
}

// oldGNUSparse is such a member in the old GNU format: 4 pairs in its header
// and 21 in each block behind. It claims that many bytes of data for each
// fragment.
func oldGNUSparse(length int) []byte {
	pair := func(i int) string {
		if i >= fragments {
			return strings.Repeat("\x00", 24)
		}
		return fmt.Sprintf("%011o\x00%011o\x00", i*fragmentGap, length)
	}
	b := rawHeader("sparse", 'S', fragments*fragmentSize, func(h []byte) {
		gnu(h)
		for i := range 4 {
			copy(h[386+24*i:], pair(i))
		}
		h[482] = 1
		copy(h[483:], fmt.Sprintf("%011o\x00", sparseSize))
	})
	for first := 4; first < fragments; first += 21 {
		extension := make([]byte, block)
		for i := range 21 {
			copy(extension[24*i:], pair(first+i))
		}
		if first+21 < fragments {
			extension[504] = 1
		}
		b = append(b, extension...)
	}
	return append(b, sparseData()...)
}

// paxSparse is such a member with a map in its PAX records, in one of the
// versions 0.0 and 0.1.
func paxSparse(version string) []byte {
	records := []string{"GNU.sparse.size", fmt.Sprint(sparseSize), "GNU.sparse.numblocks", fmt.Sprint(fragments)}
	var numbers []string
	for i := range fragments {
		off, n := fmt.Sprint(i*fragmentGap), fmt.Sprint(fragmentSize)
		if version == "0.0" {
			records = append(records, "GNU.sparse.offset", off, "GNU.sparse.numbytes", n)
		}
		numbers = append(numbers, off, n)
	}
	if version == "0.1" {
		records = append(records, "GNU.sparse.map", strings.Join(numbers, ","), "GNU.sparse.name", "sparse")
	}
	return bytes.Join([][]byte{paxHeader(records...), rawHeader("sparse", '0', fragments*fragmentSize, nil), []byte(sparseData())}, nil)
}

// paxSparse10 is such a member in version 1.0: the map stands before the data.
func paxSparse10() []byte {
	var b strings.Builder
	fmt.Fprintln(&b, fragments)
	for i := range fragments {
		fmt.Fprintf(&b, "%d\n%d\n", i*fragmentGap, fragmentSize)
	}
	stored := append(padded(b.String()), sparseData()...)
	return bytes.Join([][]byte{
		paxHeader("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "sparse", "GNU.sparse.realsize", fmt.Sprint(sparseSize)),
		rawHeader("GNUSparseFile.0/sparse", '0', len(stored), nil), stored,
	}, nil)
}

func TestSparse(t *testing.T) {
	for _, test := range []struct {
		name string
		tar  []byte
	}{
		{"old GNU", oldGNUSparse(fragmentSize)},
		{"PAX 0.0", paxSparse("0.0")},
		{"PAX 0.1", paxSparse("0.1")},
		{"PAX 1.0", paxSparse10()},
	} {
		a, err := openBytes(rawHeader("before", '0', 3, nil), padded("abc"), test.tar,
			rawHeader("behind", '0', 3, nil), padded("xyz"), make([]byte, 2*block))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		m := a.Lookup("sparse")
		if m == nil || len(a.Damage()) > 0 || m.Size() != sparseSize || m.DataSize() != fragments*fragmentSize {
			t.Errorf("%s: %+v, damage %v", test.name, m, a.Damage())
			continue
		}
		if err := iotest.TestReader(io.NewSectionReader(m, 0, m.Size()), sparseContent()); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		checkExtents(t, test.name, m)
		if behind, err := read(a.Lookup("behind")); behind != "xyz" {
			t.Errorf("%s: the member behind reads %q, %v", test.name, behind, err)
		}
	}
}

// checkExtents compares lseek's view with the picture above.
func checkExtents(t *testing.T, name string, m *Member) {
	t.Helper()
	for i := range int64(fragments) {
		start := i * fragmentGap
		for _, test := range []struct{ off, data, hole int64 }{
			{start, start, start + fragmentSize},
			{start + 1, start + 1, start + fragmentSize},
			{start + fragmentSize, start + fragmentGap, start + fragmentSize},
		} {
			data, err := m.NextData(test.off)
			if i == fragments-1 && test.off == start+fragmentSize {
				if err != io.EOF { //nolint:errorlint // bare by contract
					t.Errorf("%s: NextData(%d) = %d, %v, want io.EOF", name, test.off, data, err)
				}
			} else if err != nil || data != test.data {
				t.Errorf("%s: NextData(%d) = %d, %v, want %d", name, test.off, data, err, test.data)
			}
			if hole, err := m.NextHole(test.off); err != nil || hole != test.hole {
				t.Errorf("%s: NextHole(%d) = %d, %v, want %d", name, test.off, hole, err, test.hole)
			}
		}
	}
	if _, err := m.NextHole(m.Size()); err == nil {
		t.Errorf("%s: NextHole at the end: no error", name)
	}
}

// TestSparseLie has a map with more data than is stored: what follows in the
// archive is another member's, and must not show.
func TestSparseLie(t *testing.T) {
	a, err := openBytes(oldGNUSparse(2*fragmentSize),
		rawHeader("secret", '0', 6, nil), padded("SECRET"), make([]byte, 100*block))
	if err != nil {
		t.Fatal(err)
	}
	if m := a.Lookup("sparse"); m != nil {
		t.Errorf("a member whose map lies is there: %+v", m)
	}
	if a.Lookup("secret") == nil {
		t.Error("the member behind is gone")
	}
	if d := a.Damage(); len(d) != 1 || !strings.Contains(d[0].Error(), "sparse map: 30720 bytes of data where 15360 are stored") {
		t.Errorf("damage %v", d)
	}
}

func TestSparseAllocs(t *testing.T) {
	a, err := openBytes(oldGNUSparse(fragmentSize), make([]byte, 2*block))
	if err != nil {
		t.Fatal(err)
	}
	m, p := a.Lookup("sparse"), make([]byte, 50000)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.ReadAt(p, 300); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ReadAt allocates %v times, want 0", n)
	}
}
