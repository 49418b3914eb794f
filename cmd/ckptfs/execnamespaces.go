package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// execEnv tells the init process its link to the outer process.
const execEnv = "CKPTFS_EXEC"

// startInit starts the init process: this program with the same arguments, in
// new namespaces.
func startInit(ck *checkpoint) (*os.Process, *link, error) {
	pid1, link, err := startLinked(execEnv, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   namespaces(ck),
	})
	if err != nil {
		return nil, nil, namespaceError(err, os.Geteuid() != 0)
	}
	return pid1, link, nil
}

// namespaces are those of the command.
//
//	mount    to mount on /proc where nobody else sees it
//	PID      its first process takes all others with it when it ends, and the
//	         PIDs that a tool signals are not those of this machine
//	UTS      has a host name, the checkpoint's
//	IPC, network
//	         are empty: what tools ask the kernel for, as ss(8) does, would be
//	         this machine's
//	user     gives the right to make the others to those who are not root
func namespaces(ck *checkpoint) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET,
	}
	if os.Geteuid() == 0 {
		return attr
	}
	// A user may map a single user and a single group, himself. They become
	// those of the first process: an owner that is not mapped shows as 65534.
	var uid, gid int
	if len(ck.Processes) > 0 {
		if t := ck.Processes[0].Leader(); t != nil && t.Creds != nil {
			uid, gid = int(t.Creds.EUID), int(t.Creds.EGID)
		}
	}
	attr.Cloneflags |= unix.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getegid(), Size: 1}}
	// Only uid 0 would keep the right to mount when the program starts.
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
	return attr
}

// namespaceError says what may be in the way of namespaces, a user namespace
// among them or not.
func namespaceError(err error, user bool) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	if !user {
		return fmt.Errorf("namespaces: %w: it takes the capability CAP_SYS_ADMIN", err)
	}
	return fmt.Errorf("namespaces: %w: the kernel or its settings do not let this user make a user namespace "+
		"(user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); root needs none", err)
}
