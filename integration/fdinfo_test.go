package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// otherFDInfo are the lines of fdinfo that may rightly differ, by the name
// before the colon, and what stands there in a checkpoint.
var otherFDInfo = map[string]func(got, want, target string) bool{
	// Of pipes, sockets, memfds and the like, and of what no mount table lists.
	"mnt_id": func(got, _, target string) bool { return got == "0" },
	// Of all but pipes, sockets, deleted files, memfds and pidfds.
	"ino": func(got, _, target string) bool {
		known := []string{"pipe:", "socket:", "/memfd:", "anon_inode:[pidfd]"}
		return got == "0" && !strings.HasSuffix(target, " (deleted)") && !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(target, k) })
	},
	"eventfd-id":        func(got, _, _ string) bool { return got == "0" },
	"eventfd-semaphore": func(got, _, _ string) bool { return got == "0" },
	// The record was taken after the dump, and the time that is left had run.
	"it_value": func(got, want, _ string) bool {
		a, b := seconds(got), seconds(want)
		return a >= b && a-b < 120
	},
	// The record has a PID of the host. Neither the inode number nor, of what
	// no mount table lists, the device is saved.
	"lock": func(got, want, _ string) bool {
		g, w := strings.Fields(got), strings.Fields(want)
		const pid, inode = 4, 5
		return len(g) == len(w) && slices.Equal(append(g[:pid:pid], g[inode+1:]...), append(w[:pid:pid], w[inode+1:]...)) &&
			(g[pid] == "-1") == (w[pid] == "-1") && strings.HasSuffix(g[inode], ":0")
	},
}

// seconds is the first number of "(86344, 395379695)", with the second as its fraction.
func seconds(text string) float64 {
	whole, fraction, _ := strings.Cut(strings.Trim(text, "()"), ", ")
	s, _ := strconv.ParseFloat(whole, 64)
	n, _ := strconv.ParseFloat(fraction, 64)
	return s + n/1e9
}

// fdinfo/ has the live process's descriptors, line by line.
func TestFDInfo(t *testing.T) {
	seen := make(map[string]bool)
	eachRecorded(t, func(t *testing.T, got, want string) {
		if !exists(filepath.Join(want, "fdinfo")) || !exists(filepath.Join(got, "regs")) {
			return
		}
		targets := recordedLinks(t, want, "fd.txt")
		ours, live := names(t, filepath.Join(got, "fdinfo")), names(t, filepath.Join(want, "fdinfo"))
		if !slices.Equal(ours, live) {
			t.Errorf("%s/fdinfo has %v, want %v", got, ours, live)
		}
		for _, fd := range ours {
			g, w := lines(read(t, got, "fdinfo", fd)), lines(read(t, want, "fdinfo", fd))
			if len(g) != len(w) {
				t.Errorf("%s/fdinfo/%s has %d lines, want %d: %q, %q", got, fd, len(g), len(w), g, w)
				continue
			}
			for i := range g {
				name, value, _ := strings.Cut(g[i], ":")
				liveName, liveValue, _ := strings.Cut(w[i], ":")
				other := otherFDInfo[name]
				if g[i] != w[i] && (name != liveName || other == nil || !other(strings.TrimSpace(value), strings.TrimSpace(liveValue), targets[fd])) {
					t.Errorf("%s/fdinfo/%s: %q, want %q", got, fd, g[i], w[i])
				}
				seen[name] = true
			}
		}
	})
	for _, name := range []string{
		"pos", "flags", "mnt_id", "ino", "lock", "eventfd-count", "tfd", "sigmask", "clockid", "ticks", "settime flags", "it_value",
		"it_interval", "inotify wd", "fanotify flags", "fanotify ino", "fanotify mnt_id", "Pid", "NSpid", "tty-index",
	} {
		if !seen[name] {
			t.Errorf("no record has a line %s", name)
		}
	}
}

// The threads of a process have its descriptors.
func TestThreadFDInfo(t *testing.T) {
	root := sharedMount(t, "zoo")
	for _, dir := range []string{"procs/1", "procs/1/task/13"} {
		if got := read(t, root, dir, "fdinfo/7"); !strings.Contains(got, "lock:\t1: FLOCK  ADVISORY  WRITE 1 00:28:0 0 EOF\n") {
			t.Errorf("%s/fdinfo/7 = %q, want the lock of process 1", dir, got)
		}
		link, err := os.Readlink(filepath.Join(root, dir, "fd/3"))
		check(t, err)
		if _, err := os.Stat(filepath.Join(root, dir, "fd/3")); err != nil {
			t.Errorf("%s/fd/3 leads to %q: %v", dir, link, err)
		}
	}
}

// rawTarget is a link as the process saw it.
func rawTarget(t testing.TB, name string) string {
	t.Helper()
	text := make([]byte, 4096)
	n, err := unix.Lgetxattr(name, "security.ckptfs.target", text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(text[:n])
}

// names lists a folder.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// recordedLinks are the links that a file of the record lists, a line each.
func recordedLinks(t testing.TB, dir, name string) map[string]string {
	t.Helper()
	links := make(map[string]string)
	for _, line := range lines(read(t, dir, name)) {
		name, target, ok := strings.Cut(line, " -> ")
		if ok && target != "" {
			links[name] = target
		}
	}
	return links
}

// linksIn are the links of a folder in the mount, as the process saw them.
func linksIn(t testing.TB, dir string) map[string]string {
	t.Helper()
	links := make(map[string]string)
	for _, name := range names(t, dir) {
		links[name] = rawTarget(t, filepath.Join(dir, name))
	}
	return links
}
