package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
)

// newMount checks what can be checked before the archive is read, which may
// take long.
func newMount(from sources, point string, options mountOptions) (*mount, error) {
	archiveInfo, err := os.Stat(from.archive)
	if err != nil {
		return nil, &os.PathError{Path: from.archive, Err: errors.Unwrap(err)}
	}
	if err := checkPoint(point); err != nil {
		return nil, err
	}
	if from.spoolDir != "" { // the daemon has another working directory
		if from.spoolDir, err = filepath.Abs(from.spoolDir); err != nil {
			return nil, err
		}
	}
	m := &mount{sources: from, isDir: archiveInfo.IsDir(), size: archiveInfo.Size(), options: options}
	if m.archive, err = resolve(from.archive); err != nil {
		return nil, err
	}
	if m.point, err = resolve(point); err != nil {
		return nil, err
	}
	if archiveInfo.IsDir() && strings.HasPrefix(m.point+"/", m.archive+"/") {
		return nil, fmt.Errorf("%s: lies in the archive", point)
	}
	return m, nil
}

// checkPoint tells why a mount point cannot serve. It need not be empty:
// mount(8) does not ask for that either.
func checkPoint(point string) error {
	real, err := resolve(point)
	if err != nil {
		return err
	}
	if fstype, err := mountType(real); err == nil && fstype == fusefs.Type {
		// stat(2) would not do: the kernel remembers its answer for an hour.
		if _, err := unix.Getxattr(real, fusefs.PIDXattr, nil); errors.Is(err, unix.ENOTCONN) {
			return fmt.Errorf("%s: the daemon of a mount there is dead; run ckptfs umount %[1]s first", point)
		}
		return fmt.Errorf("%s: a checkpoint is mounted there already", point)
	}
	info, err := os.Stat(point)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: not a directory", point)
	}
	return nil
}
