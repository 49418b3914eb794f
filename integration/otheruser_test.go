package integration

import (
	"bufio"
	"fmt"
	"os/exec"
	"testing"
)

// nobody is the user without rights as whom the tests of root run what a user
// does.
const nobody = 65534

// otherUser runs commands as nobody, in a mount namespace of its own in which
// everybody may open /dev/fuse. That is udev's rule for it, but a machine
// without udev has the device for root alone, and fusermount3 opens it with the
// user's rights. Nothing outside the namespace changes.
type otherUser struct {
	holder int // the process that keeps the namespace
	uid    int
}

// openFuse replaces /dev/fuse in the namespace and then keeps that.
const openFuse = `
	mount -t tmpfs none "$1"
	mknod "$1/fuse" c 10 229
	chmod 666 "$1/fuse"
	mount --bind "$1/fuse" /dev/fuse
	echo ready
	exec sleep 1000
`

func newOtherUser(t *testing.T) *otherUser {
	t.Helper()
	require(t, "unshare", "nsenter", "setpriv")
	cmd := exec.Command("unshare", "--mount", "bash", "-euc", openFuse, "sh", t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("a mount namespace for another user: %v", err)
	}
	return &otherUser{holder: cmd.Process.Pid, uid: nobody}
}

func (u *otherUser) command(program string, args ...string) *exec.Cmd {
	id := fmt.Sprint(u.uid)
	return exec.Command("nsenter", append([]string{
		fmt.Sprintf("--mount=/proc/%d/ns/mnt", u.holder), "--",
		"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--", program,
	}, args...)...)
}

func (u *otherUser) mountinfo() string { return fmt.Sprintf("/proc/%d/mountinfo", u.holder) }
