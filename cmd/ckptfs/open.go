package main

import (
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// treeFlags are the settings of the command line that shape the tree.
type treeFlags struct {
	rawLinks bool   // show link texts as the processes saw them
	spoolDir string // for what has to be unpacked; empty for the default
}

// openTree opens an archive and lays out its tree. The closer is closed when
// the tree is no longer served.
func openTree(archivePath string, flags treeFlags) (tree.Dir, io.Closer, error) {
	ck, err := openCheckpoint(archivePath, flags.spoolDir)
	if err != nil {
		return nil, nil, err
	}
	return layout.Root(ck, layout.Options{RawLinks: flags.rawLinks}), ck.Archive, nil
}

// openCheckpoint opens an archive and decodes it. The caller closes the
// checkpoint's archive.
func openCheckpoint(path, spoolDir string) (*decoder.Checkpoint, error) {
	a, err := archive.Open(path, archive.Options{SpoolDir: spoolDir, Progress: progress})
	if err != nil {
		return nil, err
	}
	ck, err := decoder.Open(a)
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ck, nil
}
