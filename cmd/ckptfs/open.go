package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/collection"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// sources are what a checkpoint is read from.
type sources struct {
	archive    string
	checkpoint string   // which of several in the archive; empty for the only one
	rootfs     string   // the container's image; empty for none
	parents    []string // of an incremental checkpoint, the nearest first
	spoolDir   string   // for what has to be expanded; empty for the default

	spoolFile func(dir string) (*os.File, error) // as [archive.Options] has it

	// opened is called when all of them are open, before anything in them is
	// looked at. It may be nil.
	opened func() error
}

// spool says how to expand archives.
func (s sources) spool() archive.Options {
	return archive.Options{SpoolDir: s.spoolDir, SpoolFile: s.spoolFile}
}

// sourceFlags are the flags that name sources.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "checkpoint", Usage: "of several checkpoints in ARCHIVE, take that of `NAME`: an image, or the folder of its images"},
		&cli.PathFlag{Name: "rootfs", Usage: "take the files of the container's image from `DIR|TAR`", Action: checkRootfs},
		&cli.StringSliceFlag{Name: "parent", Usage: "read the parent of an incremental checkpoint from `ARCHIVE`; its own parent comes next"},
		spoolFlag(),
	}
}

// checkRootfs refuses an empty name, which would pass for none.
func checkRootfs(c *cli.Context, name string) error {
	if name == "" {
		return usageError{c.Command.Name, errors.New("--rootfs is empty")}
	}
	return nil
}

func spoolFlag() cli.Flag {
	return &cli.PathFlag{Name: "spool-dir", Usage: "expand a compressed archive in `DIR`, to files without a name; $TMPDIR or /var/tmp if not given"}
}

func sourcesOf(c *cli.Context, archive string) sources {
	return sources{
		archive:    archive,
		checkpoint: c.String("checkpoint"),
		rootfs:     c.Path("rootfs"),
		parents:    c.StringSlice("parent"),
		spoolDir:   c.Path("spool-dir"),
	}
}

// checkpoint is a decoded checkpoint with all that it is read from.
type checkpoint struct {
	*decoder.Checkpoint
	others []*archive.Archive // beside the checkpoint's own
}

// Close closes all of it.
func (c *checkpoint) Close() error {
	errs := []error{c.Checkpoint.Close()}
	for _, a := range c.others {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}

// warn says on standard error what was wrong with the checkpoint, in lines of
// a command.
func (c *checkpoint) warn(command string) {
	for _, text := range c.Warnings.List() {
		fmt.Fprintf(os.Stderr, "ckptfs: %s: warning: %s\n", command, escape.String(text))
	}
}

// paths are those of all archives: the one, its parents and the image's.
func (s sources) paths() []string {
	paths := append([]string{s.archive}, s.parents...)
	if s.rootfs != "" {
		paths = append(paths, s.rootfs)
	}
	return paths
}

// openOne is open for a command that takes a single checkpoint. In a folder of
// many it takes none for the one, unless --checkpoint says which.
func (s sources) openOne() (*checkpoint, error) {
	if info, err := os.Stat(s.archive); err == nil && info.IsDir() && s.checkpoint == "" {
		kind, err := kindOf(s.archive)
		if err != nil {
			return nil, err
		}
		if kind == collection.Archives {
			return nil, fmt.Errorf("%s: a folder of checkpoints, which ckptfs list lists; name one of them", s.archive)
		}
	}
	return s.open()
}

// kindOf tells what a directory is.
func kindOf(dir string) (collection.Kind, error) {
	folder, err := collection.OpenFolder(dir)
	if err != nil {
		return collection.Other, err
	}
	defer folder.Close()
	return folder.Kind()
}

// named is how an error calls one of the paths: by its option, if it has one.
func (s sources) named(i int) string {
	switch path := s.paths()[i]; {
	case i == 0:
		return path
	case i <= len(s.parents):
		return "--parent " + path
	default:
		return "--rootfs " + path
	}
}

// open opens the archives and decodes the checkpoint.
func (s sources) open() (_ *checkpoint, err error) {
	var opened []io.Closer
	defer func() {
		for _, c := range opened {
			if err != nil {
				_ = c.Close() // it was only read
			}
		}
	}()
	var files []*os.File
	for i, path := range s.paths() {
		f, err := archive.OpenPath(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.named(i), errors.Unwrap(err))
		}
		files, opened = append(files, f), append(opened, f)
	}
	if s.opened != nil {
		if err := s.opened(); err != nil {
			return nil, err
		}
	}
	opts := s.spool()
	opts.Progress = reading
	var archives []*archive.Archive
	for i, f := range files {
		a, err := archive.OpenFile(f, opts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.named(i), err)
		}
		archives, opened = append(archives, a), append(opened, a)
	}
	with := decoder.Options{Checkpoint: s.checkpoint, Spool: opts, Parents: archives[1 : 1+len(s.parents)]}
	if s.rootfs != "" {
		with.Rootfs = archives[len(archives)-1]
	}
	ck, err := decoder.Open(archives[0], with)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.archive, err)
	}
	return &checkpoint{ck, archives[1:]}, nil
}
