// Command ckptfs mounts a container checkpoint as a read-only file system.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/fusefs/escape"
)

func main() {
	os.Exit(run(os.Args))
}

// Exit statuses.
const (
	exitDone     = 0
	exitUnusable = 1 // the archive or the mount point cannot be used
	exitUsage    = 2

	exitInterrupted = 130 // by a signal before the mount was ready; what a shell makes of SIGINT
)

// run runs a command line and says in one line what went wrong, if anything.
func run(args []string) int {
	app := newApp()
	err := app.Run(flagsFirst(app, args))
	var usage usageError
	var child childError
	var status statusError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &child):
		return int(child)
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(os.Stderr, "ckptfs:", escape.String(err.Error()))
		return exitInterrupted
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "ckptfs:", escape.String(usage.Error()))
		return exitUsage
	default:
		fmt.Fprintln(os.Stderr, "ckptfs:", escape.String(err.Error()))
		if errors.As(err, &status) {
			return status.status
		}
		return exitUnusable
	}
}

func newApp() *cli.App {
	return &cli.App{
		Name:            "ckptfs",
		Usage:           "mount a container checkpoint as a read-only file system",
		Version:         version(),
		HideHelpCommand: true,
		Commands: []*cli.Command{
			command(outside(mountCommand())),
			command(outside(umountCommand())),
			command(outside(showCommand())),
			command(outside(listCommand())),
			command(outside(coreCommand())),
			command(outside(execCommand())),
			command(versionCommand()),
		},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return usageError{"", err}
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usageError{"", fmt.Errorf("%s: no such command", c.Args().First())}
			}
			return usageError{"", errors.New("which command?")}
		},
	}
}

// command puts the name of a command before its errors.
func command(c *cli.Command) *cli.Command {
	c.HideHelpCommand = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error {
		return usageError{c.Name, err}
	}
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		err := action(ctx)
		var child childError
		var usage usageError
		if err == nil || errors.As(err, &child) || errors.As(err, &usage) {
			return err
		}
		return fmt.Errorf("%s: %w", c.Name, plain(err))
	}
	return c
}

// plain takes the system call off an error: "a.tar: no such file or
// directory" in place of "open a.tar: ...".
func plain(err error) error {
	if path, ok := err.(*fs.PathError); ok { //nolint:errorlint // a wrapped one has more to say
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}

// A usageError says that a command line cannot be understood.
type usageError struct {
	command string
	err     error
}

func (e usageError) Error() string {
	if e.command == "" {
		return e.err.Error() + " (see ckptfs --help)"
	}
	return fmt.Sprintf("%s: %v (see ckptfs %[1]s --help)", e.command, e.err)
}

func (e usageError) Unwrap() error { return e.err }

// errEmpty says what a variable of a shell that is not set becomes.
var errEmpty = errors.New("an argument is empty")

// arguments returns the n positional arguments of a command.
func arguments(c *cli.Context, n int) ([]string, error) {
	switch args := c.Args().Slice(); {
	case len(args) < n:
		return nil, usageError{c.Command.Name, errors.New("an argument is missing")}
	case len(args) > n:
		return nil, usageError{c.Command.Name, fmt.Errorf("an argument too many: %s", args[n])}
	case slices.Contains(args, ""):
		return nil, usageError{c.Command.Name, errEmpty}
	default:
		return args, nil
	}
}

// resolve makes a path absolute and free of symbolic links, as far as it
// exists.
func resolve(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	// A mount whose daemon is dead fails every lstat; its directory does not.
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return abs, nil //nolint:nilerr // the caller meets the error again
	}
	return filepath.Join(dir, filepath.Base(abs)), nil
}
