package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
)

func mountCommand() *cli.Command {
	return &cli.Command{
		Name:      "mount",
		Usage:     "mount a checkpoint, or a directory of them",
		ArgsUsage: "ARCHIVE|DIRECTORY MOUNTPOINT",
		Description: "A directory of archives, such as /var/lib/kubelet/checkpoints, has a folder for\n" +
			"each of them; see also ckptfs list.\n" +
			"Returns when the mount is ready; a daemon serves it until it is unmounted.\n" +
			"Options for -o: allow_other (let other users in), links=raw (show links as\n" +
			"the processes saw them; root's mount then does not follow them),\n" +
			"fake-build-ids (add core files with fabricated pages that say the build-ids\n" +
			"of the mapped files, for debuggers that look for them).",
		Flags: append(sourceFlags(),
			&cli.BoolFlag{Name: "f", Usage: "stay in the foreground; Ctrl-C unmounts"},
			&cli.StringSliceFlag{Name: "o", Usage: "mount `OPTIONS`, separated by commas"},
		),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 2)
			if err != nil {
				return err
			}
			options, err := parseOptions(c.StringSlice("o"))
			if err != nil {
				return usageError{c.Command.Name, err}
			}
			m, err := newMount(sourcesOf(c, args[0]), args[1], options)
			if err != nil {
				return err
			}
			if keeper := inheritedLink(serverEnv); keeper != nil {
				return m.serve(keeper)
			}
			switch {
			case c.Bool("f"):
				return m.keep(nil)
			case isDaemon():
				takeName()
				return m.keep(detachAndReport)
			default:
				return startDaemon()
			}
		},
	}
}

// A mount is what the command line asks for. Its paths are absolute.
type mount struct {
	sources
	isDir   bool // the archive
	point   string
	size    int64 // of the archive, bytes
	options mountOptions
}

// serve serves the mount that the keeper makes, until that is gone.
func (m *mount) serve(keeper *link) error {
	// The keeper sees to signals. When it ends, so does this process.
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	takeName()
	var aid helper
	if err := aid.accept(keeper); err != nil {
		return err
	}
	m.spoolFile = aid.spoolFile
	m.opened = func() error { return restrict(m.directories()) }
	served, err := m.mountable()
	if err != nil {
		return err
	}
	defer served.Close()
	limitGarbage()
	keeper.send(message{}) // that there is something to mount
	connection, err := keeper.receiveFD()
	if err != nil {
		return err
	}
	server, err := fusefs.Serve(connection, served.root, fusefs.Options{Size: m.size, PID: os.Getppid()})
	if err != nil {
		return err
	}
	if served.tend != nil {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go served.tend(ctx, server.LetGo)
	}
	if isDaemon() {
		if err := detach(); err != nil {
			return err
		}
	}
	keeper.send(message{}) // that it is served
	server.Wait()
	return nil
}
