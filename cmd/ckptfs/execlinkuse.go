package main

import (
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ckptfs/ckptfs/fusefs"
)

// threads are those of the command's namespace: a directory that is its /proc.
type threads int

// noThreads is none, of which nothing is known.
const noThreads threads = -1

// linkUse tells what a thread does with a link. The kernel asks a file system
// for the text of a link in the same way whether it is to be shown or
// followed, but which system call the thread waits in proc_pid_syscall(5) says.
// Where that is not to be had, as of a 32-bit program, it follows: that is what
// must not go wrong.
func (p threads) linkUse(tid int) fusefs.LinkUse {
	// The thread may not have gone to sleep yet, and is "running" for a moment.
	for range 100 {
		text, err := p.read(strconv.Itoa(tid) + "/syscall")
		if err != nil {
			break
		}
		number, err := strconv.Atoi(strings.Fields(text + " .")[0])
		if err == nil {
			return linkCalls[runtime.GOARCH][number]
		}
		time.Sleep(50 * time.Microsecond)
	}
	return fusefs.FollowLink
}

// linkCalls are the system calls that do not just follow a link, by their
// numbers: readlink(2) and readlinkat(2); stat(2), newfstatat(2) and statx(2).
// 64-bit RISC-V and LoongArch have the generic numbers, as ARM has.
//
// Sources: arch/x86/entry/syscalls/syscall_64.tbl, scripts/syscall.tbl.
var linkCalls = map[string]map[int]fusefs.LinkUse{
	"amd64":   {89: fusefs.ReadLink, 267: fusefs.ReadLink, 4: fusefs.StatLink, 262: fusefs.StatLink, 332: fusefs.StatLink},
	"arm64":   genericLinkCalls,
	"riscv64": genericLinkCalls,
	"loong64": genericLinkCalls,
}

var genericLinkCalls = map[int]fusefs.LinkUse{78: fusefs.ReadLink, 79: fusefs.StatLink, 291: fusefs.StatLink}

// stopped tells whether a process is stopped, as by SIGSTOP.
//
// Source: fs/proc/array.c:task_state.
func (p threads) stopped(pid int) bool {
	status, _ := p.read(strconv.Itoa(pid) + "/status") // of one that has ended there is none
	return strings.Contains(status, "\nState:\tT ")
}

// read reads the beginning of a file.
func (p threads) read(name string) (string, error) {
	fd, err := unix.Openat(int(p), name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }()
	b := make([]byte, 256)
	n, err := unix.Read(fd, b)
	return string(b[:max(n, 0)]), err
}
