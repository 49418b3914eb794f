package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/collection"
	"github.com/ckptfs/ckptfs/fusefs/report"
)

func listCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "print a table of the checkpoints in a directory",
		ArgsUsage: "DIRECTORY",
		Description: "Of a large compressed archive only the beginning is expanded, where engines\n" +
			"put what the table shows; how many processes it has then shows as \"-\".",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print it as JSON"},
			spoolFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1)
			if err != nil {
				return err
			}
			return list(c.App.Writer, args[0], c.Path("spool-dir"), c.Bool("json"))
		},
	}
}

// list writes the table of the checkpoints in a directory.
func list(w io.Writer, dir, spoolDir string, asJSON bool) error {
	folder, err := collection.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	kind, err := folder.Kind()
	if kind == collection.Checkpoint {
		err = errors.New("a checkpoint itself; ckptfs show shows it")
	}
	var items []collection.Item
	if err == nil {
		items, err = folder.List()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := restrict([]string{dir}, spooling(spoolDir)...); err != nil {
		return err
	}
	lines := describeAll(folder, items, archive.Options{SpoolDir: spoolDir, Head: listHead})
	if asJSON {
		return report.ListJSON(w, lines)
	}
	return report.List(w, lines)
}

// listHead is how many bytes of a compressed archive are expanded for the
// list. Podman and containerd write their metadata first, and the pages come
// before the process tree.
const listHead = 16 << 20

// describeAll describes checkpoints, as many at once as there are processors.
func describeAll(folder *collection.Folder, items []collection.Item, opts archive.Options) []report.Line {
	lines := make([]report.Line, len(items))
	var total int64
	for _, item := range items {
		total += item.Size
	}
	bar := progress("reading checkpoints", total)
	defer bar.Close()
	todo := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(items)) {
		workers.Go(func() {
			for i := range todo {
				line := report.Line{Name: items[i].Name, Size: items[i].Size}
				if err := describe(&line, folder, items[i], opts); err != nil {
					line.Error = err.Error()
				}
				lines[i] = line
				_ = bar.Add64(items[i].Size)
			}
		})
	}
	for i := range items {
		todo <- i
	}
	close(todo)
	workers.Wait()
	return lines
}

// describe fills in what one checkpoint says of itself. Where the beginning of
// a compressed archive does not tell, the whole is read.
func describe(line *report.Line, folder *collection.Folder, item collection.Item, opts archive.Options) error {
	f, err := folder.Open(item)
	if err != nil {
		return err
	}
	a, err := archive.OpenFile(f, opts)
	if err != nil {
		return err
	}
	ck, err := decoder.Open(a, decoder.Options{Spool: archive.Options{SpoolDir: opts.SpoolDir}, Brief: true})
	if a.Cut() && (err != nil || a.Lookup("config.dump") == nil) {
		a.Close()
		opts.Head = 0
		return describe(line, folder, item, opts)
	}
	if err != nil {
		a.Close()
		return err
	}
	defer ck.Close()
	line.Describe(ck)
	return nil
}
