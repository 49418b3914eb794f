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
		Flags: append(sourceFlags(),
			&cli.BoolFlag{Name: "json", Usage: "print it as JSON"},
		),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1)
			if err != nil {
				return err
			}
			return show(c.App.Writer, sourcesOf(c, args[0]), c.Bool("json"))
		},
	}
}

// show writes the summary of a checkpoint.
func show(w io.Writer, from sources, asJSON bool) error {
	ck, err := from.open()
	if err != nil {
		return err
	}
	defer ck.Close()
	if asJSON {
		return report.JSON(w, ck.Checkpoint)
	}
	if err := report.Summary(w, ck.Checkpoint); err != nil || len(ck.Stats) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return report.Stats(w, ck.Checkpoint)
}
