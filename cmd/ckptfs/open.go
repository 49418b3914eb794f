package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
)

// sources are what a checkpoint is read from.
type sources struct {
	archive    string
	checkpoint string   // which of several in the archive; empty for the only one
	rootfs     string   // the container's image; empty for none
	parents    []string // of an incremental checkpoint, the nearest first
	spoolDir   string   // for what has to be expanded; empty for the default
}

// sourceFlags are the flags that name sources.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "checkpoint", Usage: "of several checkpoints in ARCHIVE, take that of `NAME`: an image, or the folder of its images"},
		&cli.PathFlag{Name: "rootfs", Usage: "take the files of the container's image from `DIR|TAR`"},
		&cli.StringSliceFlag{Name: "parent", Usage: "read the parent of an incremental checkpoint from `ARCHIVE`; its own parent comes next"},
		spoolFlag(),
	}
}

func spoolFlag() cli.Flag {
	return &cli.PathFlag{Name: "spool-dir", Usage: "expand a compressed archive in `DIR`, to files without a name; $TMPDIR or /var/tmp if not given"}
}

func sourcesOf(c *cli.Context, archive string) sources {
	return sources{archive, c.String("checkpoint"), c.Path("rootfs"), c.StringSlice("parent"), c.Path("spool-dir")}
}

// checkpoint is a decoded checkpoint with all that it is read from.
type checkpoint struct {
	*decoder.Checkpoint
	others closers // beside the checkpoint's own archive
}

// Close closes all of it.
func (c *checkpoint) Close() error {
	return errors.Join(c.Checkpoint.Close(), c.others.Close())
}

type closers []io.Closer

func (list closers) Close() error {
	var errs []error
	for _, c := range list {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// open opens the archives and decodes the checkpoint.
func (s sources) open() (_ *checkpoint, err error) {
	opts := archive.Options{SpoolDir: s.spoolDir, Progress: reading}
	var opened closers
	defer func() {
		if err != nil {
			_ = opened.Close() // they were only read
		}
	}()
	open := func(path string) (*archive.Archive, error) {
		a, err := archive.Open(path, opts)
		if err == nil {
			opened = append(opened, a)
		}
		return a, err
	}
	with := decoder.Options{Checkpoint: s.checkpoint, Spool: opts}
	if s.rootfs != "" {
		if with.Rootfs, err = open(s.rootfs); err != nil {
			return nil, err
		}
	}
	for _, path := range s.parents {
		parent, err := open(path)
		if err != nil {
			return nil, err
		}
		with.Parents = append(with.Parents, parent)
	}
	others := opened
	a, err := open(s.archive)
	if err != nil {
		return nil, err
	}
	ck, err := decoder.Open(a, with)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.archive, err)
	}
	return &checkpoint{ck, others}, nil
}
