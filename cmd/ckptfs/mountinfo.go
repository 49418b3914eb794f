package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

// mountType returns the type of the file system that is mounted on an
// absolute path, such as "fuse.ckptfs"; empty if nothing is.
func mountType(path string) (string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	return findMount(f, path)
}

// findMount looks a mount point up in the format of proc_pid_mountinfo(5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
//	(fields) (5: mount point)        (optional) - (type)
//
// The last of several on one point is the one on top.
func findMount(r io.Reader, path string) (fstype string, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) >= 5 && len(kind) > 0 && unescape(fields[4]) == path {
			fstype = kind[0]
		}
	}
	return fstype, lines.Err()
}

// unescape turns \040 and its like back into the byte:
// fs/proc_namespace.c:mangle.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
