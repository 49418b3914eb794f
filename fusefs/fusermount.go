package fusefs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// errNoFusermount is what a user without fuse3 gets to see.
var errNoFusermount = errors.New("fusermount3 is not there: install fuse3, or run as root")

// fusermount mounts by the set-user-id program fusermount3, which passes the
// connection to the kernel back over a socket: libfuse, util/fusermount.c.
// go-fuse can call it too, but lets it write to standard error, where there
// is to be one line and ours.
func fusermount(mountpoint string, opts MountOptions) (fd int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socketpair: %w", err)
	}
	remote := os.NewFile(uintptr(pair[1]), "fusermount")
	local := os.NewFile(uintptr(pair[0]), "fusermount")
	defer func() { _ = local.Close() }()

	cmd := exec.Command("fusermount3", "-o", fusermountOptions(opts), "--", mountpoint)
	cmd.Env = append(os.Environ(), "_FUSE_COMMFD=3")
	cmd.ExtraFiles = []*os.File{remote}
	err = run(cmd)
	_ = remote.Close()
	if err != nil {
		return 0, err
	}
	return receive(int(local.Fd()))
}

func fusermountOptions(opts MountOptions) string {
	escape := strings.NewReplacer(`\`, `\\`, ",", `\,`)
	list := []string{
		"ro", "nosuid", "nodev", "noexec",
		"subtype=" + subtype,
		"fsname=" + escape.Replace(opts.FSName),
		fmt.Sprintf("max_read=%d", maxRequest),
	}
	if opts.AllowOther {
		list = append(list, "allow_other")
	}
	return strings.Join(list, ",")
}

func fuserunmount(mountpoint string, detach bool) error {
	args := []string{"-u", "--", mountpoint}
	if detach {
		args = append([]string{"-z"}, args...)
	}
	cmd := exec.Command("fusermount3", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // its words are looked at below
	err := run(cmd)
	if err != nil && strings.HasSuffix(err.Error(), "busy") {
		return ErrBusy
	}
	return err
}

// run runs fusermount3; what it says in its first line is the error.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errNoFusermount
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
	if err != nil && len(line) > 0 {
		return errors.New(string(line))
	}
	return err
}

// receive takes a file descriptor from a socket.
func receive(socket int) (fd int, err error) {
	buf, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, buf, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("from fusermount3: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return 0, errors.New("fusermount3 passed no file descriptor")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, errors.New("fusermount3 passed no file descriptor")
	}
	return fds[0], nil
}
