package main

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// threads are those of the command's namespace: a directory that is its /proc.
type threads int

// noThreads is none, of which nothing is known.
const noThreads threads = -1

// readsLink tells whether a thread is in readlink(2) or readlinkat(2). The
// kernel asks a file system for the text of a link in the same way whether it
// is to be shown or followed, but which system call the thread waits in
// proc_pid_syscall(5) says. Where that is not to be had, as of a 32-bit
// program, the answer is no: following is what must not go wrong.
func (p threads) readsLink(tid int) bool {
	// The thread may not have gone to sleep yet, and is "running" for a moment.
	for range 100 {
		text, err := p.read(strconv.Itoa(tid) + "/syscall")
		if err != nil {
			return false
		}
		number, err := strconv.Atoi(strings.Fields(text + " .")[0])
		if err == nil {
			return slices.Contains(readlinkCalls[runtime.GOARCH], number)
		}
		time.Sleep(50 * time.Microsecond)
	}
	return false
}

// readlinkCalls are the numbers of readlink(2) and readlinkat(2):
// arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
var readlinkCalls = map[string][]int{
	"amd64":   {89, 267},
	"arm64":   {78},
	"riscv64": {78},
	"loong64": {78},
}

// read reads a short file.
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
