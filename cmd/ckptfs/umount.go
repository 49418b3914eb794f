package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
)

func umountCommand() *cli.Command {
	return &cli.Command{
		Name:      "umount",
		Usage:     "take a mount away, its daemon alive or dead",
		ArgsUsage: "MOUNTPOINT",
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1)
			if err != nil {
				return err
			}
			return umount(args[0])
		},
	}
}

// patience is how long a daemon may take to end after its mount is gone.
const patience = 5 * time.Second

// umount takes a mount away and waits until its daemon has ended, so that
// neither the archive nor a spool file is in use any more.
func umount(point string) error {
	real, err := resolve(point)
	if err != nil {
		return err
	}
	fstype, err := mountType(real)
	if err != nil {
		return err
	}
	if fstype != fusefs.Type {
		return fmt.Errorf("%s: not a mount of ckptfs", point)
	}
	daemon := daemonOf(real)
	if daemon >= 0 {
		defer func() { _ = unix.Close(daemon) }()
	}
	if err := fusefs.Unmount(real, false); err != nil {
		return fmt.Errorf("%s: %w", point, err)
	}
	if daemon >= 0 && !ended(daemon, patience) {
		return fmt.Errorf("%s: unmounted, but its daemon still runs: another mount namespace may have it too, such as that of an open ckptfs exec", point)
	}
	return nil
}

// daemonOf returns a file descriptor for the keeper of a mount: one
// cannot be mistaken for another process that gets the same number later. It
// is negative where the daemon is dead or will not tell us.
func daemonOf(point string) (pidfd int) {
	buf := make([]byte, 20)
	n, err := unix.Getxattr(point, fusefs.PIDXattr, buf)
	if err != nil {
		return -1
	}
	pid, err := strconv.Atoi(string(buf[:n]))
	if err != nil {
		return -1
	}
	pidfd, err = unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1
	}
	return pidfd
}

// ended waits for the end of a process.
func ended(pidfd int, timeout time.Duration) bool {
	deadline := time.Now().Add(timeout)
	for {
		left := max(0, time.Until(deadline))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return n > 0
	}
}
