package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/fusefs/report"
)

func showCommand() *cli.Command {
	flags := append(sourceFlags(),
		&cli.BoolFlag{Name: "json", Usage: "print everything as JSON, the environment only with --env"},
		&cli.BoolFlag{Name: "all", Usage: "print all sections"},
	)
	for _, s := range report.Sections {
		flags = append(flags, &cli.BoolFlag{Name: string(s.Name), Usage: "print also " + s.What})
	}
	return &cli.Command{
		Name:      "show",
		Usage:     "print the summary of a checkpoint, without a mount",
		ArgsUsage: "ARCHIVE",
		Description: "The summary is the container and its archive, what its processes may do, the\n" +
			"process tree and the statistics of the dump. More is printed on demand.",
		Flags: flags,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1)
			if err != nil {
				return err
			}
			var ask []report.Section
			for _, s := range report.Sections {
				if c.Bool("all") || c.Bool(string(s.Name)) {
					ask = append(ask, s.Name)
				}
			}
			return show(c.App.Writer, sourcesOf(c, args[0]), c.Bool("json"), ask)
		},
	}
}

// show writes the summary of a checkpoint. What was wrong with the checkpoint
// it says on standard error.
func show(w io.Writer, from sources, asJSON bool, ask []report.Section) error {
	from.opened = func() error { return restrict(from.directories(), spooling(from.spoolDir)...) }
	ck, err := from.openOne()
	if err != nil {
		return err
	}
	defer ck.Close()
	if asJSON {
		return report.JSON(w, ck.Checkpoint, ask...)
	}
	if err := report.Summary(w, ck.Checkpoint, ask...); err != nil {
		return err
	}
	ck.warn("show")
	if len(ck.Stats) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return report.Stats(w, ck.Checkpoint)
}
