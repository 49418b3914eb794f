package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/fusefs/report"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "print the summary of a checkpoint, without a mount",
		ArgsUsage: "ARCHIVE",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print it as JSON"},
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1)
			if err != nil {
				return err
			}
			return showArchive(c.App.Writer, args[0], c.Bool("json"))
		},
	}
}

// showArchive writes the summary of an archive.
func showArchive(w io.Writer, path string, asJSON bool) error {
	ck, err := openCheckpoint(path, "")
	if err != nil {
		return err
	}
	defer ck.Archive.Close()
	if asJSON {
		return report.JSON(w, ck)
	}
	if err := report.Summary(w, ck); err != nil || len(ck.Stats) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return report.Stats(w, ck)
}
