package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/ckptfs/ckptfs/coredump"
	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

func coreCommand() *cli.Command {
	return &cli.Command{
		Name:        "core",
		Usage:       "write a core file of a process, without a mount",
		ArgsUsage:   "ARCHIVE PID",
		Description: "The file is sparse: memory that was never touched takes no room.",
		Flags: append(sourceFlags(),
			&cli.BoolFlag{Name: "fake-build-ids", Usage: "fabricate pages that say the build-ids of the mapped files"},
			&cli.PathFlag{Name: "o", Usage: "write to `FILE`, or to standard output for \"-\"; core.PID if not given"},
		),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 2)
			if err != nil {
				return err
			}
			pid, err := strconv.Atoi(args[1])
			if err != nil {
				return usageError{c.Command.Name, fmt.Errorf("%q is no PID", args[1])}
			}
			out := c.Path("o")
			fake := c.Bool("fake-build-ids")
			if out == "" {
				out = fmt.Sprintf("core.%d", pid)
				if fake {
					out += ".fake-build-ids"
				}
			}
			return writeCore(sourcesOf(c, args[0]), pid, fake, out)
		},
	}
}

// writeCore writes the core file of a process to a file, or to standard
// output for "-"; if fake, with fabricated build-ids. What was wrong with the
// checkpoint it says on standard error.
func writeCore(from sources, pid int, fake bool, out string) error {
	if out == "-" && term.IsTerminal(int(os.Stdout.Fd())) {
		return errors.New("standard output is a terminal, which a core file would upset")
	}
	from.opened = func() error {
		rules := spooling(from.spoolDir)
		if out != "-" {
			rules = append(rules, writing(filepath.Dir(out))...)
		}
		return restrict(from.directories(), rules...)
	}
	ck, err := from.openOne()
	if err != nil {
		return err
	}
	defer ck.Close()
	p := ck.Process(pid)
	if p == nil && ck.Form == decoder.PreCheckpoint {
		return fmt.Errorf("%s: a pre-checkpoint, which has pages and no processes", from.archive)
	}
	if p == nil {
		return fmt.Errorf("%s: it has no process %d", from.archive, pid)
	}
	var mem coredump.Memory = memview.New(p.MM)
	if fake {
		mem = coredump.WithFakeBuildIDs(p, mem)
	}
	core, err := coredump.New(p, mem)
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	ck.warn("core")
	if out == "-" {
		_, err := io.Copy(os.Stdout, io.NewSectionReader(core, 0, core.Size()))
		return err
	}
	return writeSparse(out, core)
}

// writeSparse writes a core file with its holes. Of one that cannot be
// finished nothing is left, but what is no regular file stays where it is.
func writeSparse(name string, core *coredump.Core) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil && info != nil && info.Mode().IsRegular() {
			err = errors.Join(err, os.Remove(name))
		}
	}()
	if err != nil {
		return err
	}
	bar := progress("writing core file", core.DataSize())
	defer bar.Close()
	for off := int64(0); ; {
		start, err := core.NextData(off)
		if errors.Is(err, io.EOF) {
			return f.Truncate(core.Size())
		} else if err != nil {
			return err
		}
		if off, err = core.NextHole(start); err != nil {
			return err
		}
		at := io.MultiWriter(io.NewOffsetWriter(f, start), bar)
		if _, err := io.Copy(at, io.NewSectionReader(core, start, off-start)); err != nil {
			return err
		}
	}
}
