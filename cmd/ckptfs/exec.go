package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/urfave/cli/v2"

	"github.com/ckptfs/ckptfs/fusefs/layout"
)

func execCommand() *cli.Command {
	return &cli.Command{
		Name:      "exec",
		Usage:     "run a program that sees the checkpoint's processes in /proc",
		ArgsUsage: "ARCHIVE -- COMMAND [ARGUMENT...]",
		Description: "COMMAND runs on this machine, with its files, but in namespaces of its own:\n" +
			"/proc is that of the checkpoint, /proc/ckptfs the rest of what mount shows, and\n" +
			"/proc/self the first process. Links in /proc lead into the checkpoint. The host\n" +
			"name is the checkpoint's; there is no network, and no IPC object. Users, groups,\n" +
			"hosts and ports have the names that /etc/passwd, group, hosts and services of\n" +
			"the checkpoint give them, else none. What COMMAND learns elsewhere is not of the\n" +
			"checkpoint: from /sys, from the network as ip does, or from a system call, be it\n" +
			"of a PID (prlimit, gdb -p), of the kernel (uname -r) or of a mount point (df).\n" +
			"/dev/stdin, /dev/stdout, /dev/stderr and /dev/fd lead to /proc/self, and so into\n" +
			"the checkpoint too. ss reads /proc/net, for which PROC_ROOT is set.\n\n" +
			"Nobody else sees any of this, and nothing stays behind: when COMMAND ends, so\n" +
			"does all that it left running. For those who are not root it takes a kernel\n" +
			"that lets them make a user namespace; COMMAND then has the user id of the first\n" +
			"process, and files of other users show as those of 65534.\n\n" +
			"What is wrong with the checkpoint is said on standard error before COMMAND starts.\n" +
			"The exit status is that of COMMAND, 128+N if signal N killed it, 127 if it is\n" +
			"not found, 126 if it cannot be run, 1 if the checkpoint or the namespaces cannot\n" +
			"be used.",
		Flags: sourceFlags(),
		Action: func(c *cli.Context) error {
			args := c.Args().Slice()
			if len(args) < 2 {
				return usageError{c.Command.Name, errors.New("an argument is missing")}
			}
			if args[0] == "" {
				return usageError{c.Command.Name, errEmpty}
			}
			program, err := lookCommand(args[1])
			if err != nil {
				return err
			}
			from := sourcesOf(c, args[0])
			if outer := inheritedLink(execEnv); outer != nil {
				return runInit(outer, from.spoolDir, program, args[1:])
			}
			return execute(from)
		},
	}
}

// outside keeps a command from running within exec: to start or to restrict
// itself it looks itself up in /proc, and would find a process of a checkpoint.
func outside(c *cli.Command) *cli.Command {
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if _, err := os.Stat(layout.CoversDir); err == nil {
			return errors.New("not possible within ckptfs exec, where /proc is that of a checkpoint")
		}
		return action(ctx)
	}
	return c
}

// Exit statuses of exec beside the command's own, as those of shells.
const (
	exitNotRunnable = 126
	exitNotFound    = 127
	exitSignal      = 128 // and the number of the signal
)

// lookCommand finds a command as a shell does.
func lookCommand(name string) (string, error) {
	program, err := exec.LookPath(name)
	if err == nil || errors.Is(err, exec.ErrDot) { // "." is in $PATH
		return program, nil
	}
	return "", commandError(name, err)
}

// commandError says that a command cannot be run. Its exit status tells
// whether it is there.
func commandError(name string, err error) error {
	status := exitNotRunnable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		status = exitNotFound
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return statusError{status, fmt.Errorf("%s: %w", name, err)}
}

// A statusError ends the program with a status of its own.
type statusError struct {
	status int
	err    error
}

func (e statusError) Error() string { return e.err.Error() }
func (e statusError) Unwrap() error { return e.err }
