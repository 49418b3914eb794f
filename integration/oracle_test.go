package integration

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// oracle is a second, naive opinion on a process's captured memory: a map from
// page address to the page's bytes, made by reading an unpacked archive whole.
type oracle map[uint64][]byte

// Bits of a page run's flags.
const pagePresent = 4 // PE_PRESENT: the bytes stand in this pages image

// readOracle reads the pagemap and the pages image of a process from the
// folder with a checkpoint's images.
func readOracle(t testing.TB, images string, pid int) oracle {
	t.Helper()
	name := filepath.Join(images, fmt.Sprintf("pagemap-%d.img", pid))
	data, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return nil // a zombie
	}
	if err != nil {
		t.Fatal(err)
	}
	entries := readEntries(t, name, data)
	pages, err := os.ReadFile(filepath.Join(images, fmt.Sprintf("pages-%d.img", varints(t, entries[0])[1])))
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{}
	for _, entry := range entries[1:] {
		f := varints(t, entry)
		vaddr, count := f[1], f[2]
		if n, ok := f[5]; ok {
			count = n
		}
		if flags, ok := f[4]; ok && flags&pagePresent == 0 {
			continue
		}
		for i := range count {
			o[vaddr+i*pageSize] = pages[:pageSize]
			pages = pages[pageSize:]
		}
	}
	if len(pages) != 0 {
		t.Fatalf("%s: %d bytes of the pages image are left over", name, len(pages))
	}
	return o
}

// readEntries splits an image into its length-prefixed messages. Two magics
// of four bytes stand before them.
func readEntries(t testing.TB, name string, data []byte) [][]byte {
	t.Helper()
	var entries [][]byte
	for data = data[8:]; len(data) > 0; {
		n := binary.LittleEndian.Uint32(data)
		entries = append(entries, data[4:4+n])
		data = data[4+n:]
	}
	if len(entries) == 0 {
		t.Fatalf("%s: no entries", name)
	}
	return entries
}

// varints returns a message's varint fields by number, the last one of each.
func varints(t testing.TB, message []byte) map[protowire.Number]uint64 {
	t.Helper()
	fields := map[protowire.Number]uint64{}
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		if typ == protowire.VarintType {
			fields[num], _ = protowire.ConsumeVarint(message[n:])
		}
		m := protowire.ConsumeFieldValue(num, typ, message[n:])
		if m < 0 {
			t.Fatal(protowire.ParseError(m))
		}
		message = message[n+m:]
	}
	return fields
}
