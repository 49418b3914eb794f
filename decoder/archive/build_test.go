package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// entry is a member to be written.
type entry struct {
	tar.Header
	data string
}

func file(name, data string) entry {
	return entry{tar.Header{Name: name, Mode: 0o600, Typeflag: tar.TypeReg}, data}
}

func build(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		h.Size = int64(len(e.data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawHeader makes a header by hand, for what no writer in Go writes. edit may
// change it before it gets its checksum.
func rawHeader(name string, flag byte, size int, edit func(b []byte)) []byte {
	b := make([]byte, block)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x00", size))
	copy(b[136:], "00000000000\x00")
	b[156] = flag
	copy(b[257:], "ustar\x0000")
	if edit != nil {
		edit(b)
	}
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// gnu makes a header one of GNU's old format.
func gnu(b []byte) { copy(b[257:], "ustar  \x00") }

// padded fills s up with NULs to whole blocks.
func padded(s string) []byte {
	return append([]byte(s), make([]byte, (block-len(s)%block)%block)...)
}

// paxHeader is an extended header with records, given as key and value.
func paxHeader(records ...string) []byte {
	var b strings.Builder
	for i := 0; i < len(records); i += 2 {
		n := len(records[i]) + len(records[i+1]) + 3
		n += len(fmt.Sprint(n + len(fmt.Sprint(n))))
		fmt.Fprintf(&b, "%d %s=%s\n", n, records[i], records[i+1])
	}
	return append(rawHeader("pax", tar.TypeXHeader, b.Len(), nil), padded(b.String())...)
}

func openBytes(parts ...[]byte) (*Archive, error) {
	b := bytes.Join(parts, nil)
	return OpenNested(bytes.NewReader(b), int64(len(b)), Options{})
}

func read(m *Member) (string, error) {
	b, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	return string(b), err
}
