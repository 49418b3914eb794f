package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/collection"
	"github.com/ckptfs/ckptfs/fusefs/report"
)

// Of a large archive no more is expanded than is needed: to its metadata where
// that comes first, and else to the end.
func TestDescribeLarge(t *testing.T) {
	const head = 1 << 20
	metadata := decodertest.TarOf(map[string][]byte{"config.dump": []byte(`{"name": "web"}`)}, nil)
	images := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1}},
		Members:   map[string][]byte{"checkpoint/pages-9.img": []byte(strings.Repeat("large", head))}, // before pstree.img
	}.Tar()
	const endMark = 1024
	for name, test := range map[string]struct {
		tar       []byte
		processes int // -1 for not known
	}{
		"metadata first": {append(metadata[:len(metadata)-endMark:len(metadata)-endMark], images...), -1},
		"metadata last":  {append(images[:len(images)-endMark:len(images)-endMark], metadata...), 1},
	} {
		line := describeOne(t, test.tar, archive.Options{SpoolDir: t.TempDir(), Head: head})
		processes := -1
		if line.Processes != nil {
			processes = *line.Processes
		}
		if line.Error != "" || line.Container != "web" || processes != test.processes {
			t.Errorf("%s: %+v with %d processes, want %d", name, line, processes, test.processes)
		}
	}
}

// describeOne is the line of an archive, compressed.
func describeOne(t *testing.T, tar []byte, opts archive.Options) report.Line {
	t.Helper()
	var compressed bytes.Buffer
	w, err := zstd.NewWriter(&compressed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tar); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), compressed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := collection.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	items, err := folder.List()
	if err != nil || len(items) != 1 {
		t.Fatalf("List() = %v, %v", items, err)
	}
	return describeAll(folder, items, opts)[0]
}
