package integration

import (
	"archive/tar"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// growProcess makes the largest mapping of a process size bytes long and
// replaces its pages by as many, all zeros but for the last word. It returns
// the mapping's range.
func growProcess(t *testing.T, images string, pid int, size uint64) span {
	t.Helper()
	mmImage := filepath.Join(images, fmt.Sprintf("mm-%d.img", pid))
	data := []byte(read(t, mmImage))
	var entry mm.MmEntry
	if err := proto.Unmarshal(readEntries(t, mmImage, data)[0], &entry); err != nil {
		t.Fatal(err)
	}
	var region span
	for _, v := range entry.GetVmas() {
		if v.GetEnd()-v.GetStart() == 1<<30 {
			region = span{v.GetEnd() - size, v.GetEnd()}
			v.Start = proto.Uint64(region.start)
		}
	}
	if region.end == 0 {
		t.Fatal("the process has no mapping of 1 GiB")
	}
	message, err := proto.Marshal(&entry)
	if err != nil {
		t.Fatal(err)
	}
	writeImage(t, mmImage, data[:8], message)

	pagemap := filepath.Join(images, fmt.Sprintf("pagemap-%d.img", pid))
	data = []byte(read(t, pagemap))
	head := readEntries(t, pagemap, data)[0]
	var run []byte
	for _, field := range []struct {
		number protowire.Number
		value  uint64
	}{{1, region.start}, {2, 0}, {4, pagePresent}, {5, size / pageSize}} {
		run = protowire.AppendTag(run, field.number, protowire.VarintType)
		run = protowire.AppendVarint(run, field.value)
	}
	writeImage(t, pagemap, data[:8], head, run)

	f, err := os.Create(filepath.Join(images, fmt.Sprintf("pages-%d.img", varints(t, head)[1])))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("LAST"), int64(size)-4); err != nil {
		t.Fatal(err)
	}
	return region
}

// writeImage writes an image: its magics, then the entries with their lengths.
func writeImage(t *testing.T, name string, magics []byte, entries ...[]byte) {
	t.Helper()
	out := append([]byte(nil), magics...)
	for _, e := range entries {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(e)))
		out = append(out, e...)
	}
	if err := os.WriteFile(name, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

// sparseTar packs a folder as a plain tar, leaving holes in the file where a
// big member has only zeros: all but its last page.
func sparseTar(t *testing.T, dir, name string) {
	t.Helper()
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	err = filepath.Walk(dir, func(path string, fi os.FileInfo, err error) error {
		if err != nil || path == dir {
			return err
		}
		h, err := tar.FileInfoHeader(fi, "")
		if err != nil {
			return err
		}
		h.Name, _ = filepath.Rel(dir, path)
		// A writer of its own for each member leaves the place between header
		// and padding to us.
		if err := tar.NewWriter(out).WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
			return err
		}
		return appendSparse(out, path, fi.Size())
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
}

func appendSparse(out *os.File, path string, size int64) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	start, err := out.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	from := int64(0)
	if size > 1<<30 {
		from = size - pageSize
	}
	if _, err := io.Copy(io.NewOffsetWriter(out, start+from), io.NewSectionReader(in, from, size-from)); err != nil {
		return err
	}
	end := start + (size+511)/512*512
	if err := out.Truncate(max(end, start)); err != nil {
		return err
	}
	_, err = out.Seek(end, io.SeekStart)
	return err
}
