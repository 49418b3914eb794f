package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
	"github.com/ckptfs/ckptfs/fusefs/escape"
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
			switch {
			case c.Bool("f"):
				return m.serve(nil)
			case isDaemon():
				return m.serve(detachAndReport)
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

var errInterrupted = errors.New("interrupted")

// serve mounts, calls ready if somebody waits for it, and serves until the
// mount is taken away or a signal comes. When it returns there is no mount.
func (m *mount) serve(ready func() error) error {
	// While the archive is read a signal just ends the process, which leaves
	// nothing behind; from notify on it unmounts.
	served, err := m.mountable()
	if err != nil {
		return err
	}
	defer served.Close()
	// Garbage here is mostly buffers of 1 MiB. With less of it piling up, four
	// readers on two cores bring the daemon to 35 MB in place of 58.
	debug.SetGCPercent(25)
	signals := notify()
	server, err := fusefs.Mount(m.point, served.root, fusefs.Options{
		AllowOther:  m.options.allowOther,
		NoSymFollow: m.options.rawLinks,
		FSName:      m.archive,
		Size:        m.size,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", m.point, err)
	}
	if served.tend != nil {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go served.tend(ctx, server.LetGo)
	}
	if ready != nil {
		if len(signals) > 0 {
			return errors.Join(errInterrupted, m.leave(server))
		}
		if err := ready(); err != nil {
			return errors.Join(err, m.leave(server))
		}
	}
	gone := make(chan struct{})
	go func() {
		server.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-signals:
		return m.leave(server)
	}
}

// leave unmounts. A busy mount is detached: whoever still has files open
// there gets errors once this process has ended, but no dead mount stays.
func (m *mount) leave(server *fusefs.Server) error {
	err := server.Unmount()
	if errors.Is(err, fusefs.ErrBusy) {
		fmt.Fprintf(os.Stderr, "ckptfs: mount: %s: busy; detached it, what is open there is cut off\n", escape.String(m.point))
		err = server.Detach()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.point, err)
	}
	return nil
}

// notify catches the signals that end a mount; not SIGHUP if whoever started
// us wants it ignored, as nohup(1) does.
func notify() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGINT, unix.SIGTERM)
	if !signal.Ignored(unix.SIGHUP) {
		signal.Notify(c, unix.SIGHUP)
	}
	return c
}
