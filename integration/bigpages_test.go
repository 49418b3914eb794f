package integration

import (
	"archive/tar"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// growProcess makes the largest mapping of a process size bytes long, with as
// many pages, all zeros but for the last word; its other pages stay. It returns
// the mapping's range.
func growProcess(t testing.TB, images string, pid int, size uint64) span {
	t.Helper()
	mmImage := filepath.Join(images, fmt.Sprintf("mm-%d.img", pid))
	data := []byte(read(t, mmImage))
	var entry mm.MmEntry
	check(t, proto.Unmarshal(readEntries(t, mmImage, data)[0], &entry))
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
	check(t, err)
	writeImage(t, mmImage, data[:8], message)

	pagemap := filepath.Join(images, fmt.Sprintf("pagemap-%d.img", pid))
	data = []byte(read(t, pagemap))
	entries := readEntries(t, pagemap, data)
	pages := filepath.Join(images, fmt.Sprintf("pages-%d.img", varints(t, entries[0])[1]))
	old := []byte(read(t, pages))
	f, err := os.Create(pages)
	check(t, err)
	defer f.Close()
	end := int64(0) // of what is written
	kept := entries[:1:1]
	grown := false
	for _, run := range entries[1:] {
		fields := varints(t, run)
		n := fields[5] * pageSize
		here := old[:n]
		old = old[n:]
		if !grown && fields[1] >= region.start {
			grown = true
			kept = append(kept, pageRun(region.start, size/pageSize))
			_, err := f.WriteAt([]byte("LAST"), end+int64(size)-4)
			check(t, err)
			end += int64(size)
		}
		if fields[1] >= region.start && fields[1] < region.end {
			continue
		}
		kept = append(kept, run)
		_, err := f.WriteAt(here, end)
		check(t, err)
		end += int64(n)
	}
	if !grown || len(old) > 0 {
		t.Fatalf("the pages of process %d are not as expected", pid)
	}
	writeImage(t, pagemap, data[:8], kept...)
	return region
}

// pageRun is an entry of a pagemap image: so many pages, present.
func pageRun(start, pages uint64) []byte {
	var run []byte
	for _, field := range []struct {
		number protowire.Number
		value  uint64
	}{{1, start}, {2, 0}, {4, pagePresent}, {5, pages}} {
		run = protowire.AppendTag(run, field.number, protowire.VarintType)
		run = protowire.AppendVarint(run, field.value)
	}
	return run
}

// writeImage writes an image: its magics, then the entries with their lengths.
func writeImage(t testing.TB, name string, magics []byte, entries ...[]byte) {
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

// sparseTar packs a folder as a plain tar, with the holes of its files.
func sparseTar(t testing.TB, dir, name string) {
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

// appendSparse appends the content of a file, padded to whole blocks of a tar,
// with the file's holes.
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
	for hole := int64(0); ; {
		data, err := in.Seek(hole, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break
		} else if err != nil {
			return err
		}
		if hole, err = in.Seek(data, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(out, start+data), io.NewSectionReader(in, data, hole-data)); err != nil {
			return err
		}
	}
	end := start + (size+511)/512*512
	if err := out.Truncate(end); err != nil {
		return err
	}
	_, err = out.Seek(end, io.SeekStart)
	return err
}
