package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mountinfo is the live process's, line by line and in its order.
func TestMountinfo(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, want string) {
		if !exists(filepath.Join(want, "mountinfo")) || !exists(filepath.Join(got, "regs")) || filepath.Base(filepath.Dir(got)) == "task" {
			return
		}
		if !strings.Contains(read(t, want, "mountinfo"), " / / rw,relatime - overlay ") {
			// A plain criu dump of a process in the host's mount namespace.
			if table := read(t, got, "mountinfo"); table != "" {
				t.Errorf("%s/mountinfo = %q, want nothing", got, table)
			}
			return
		}
		ours, live := lines(read(t, got, "mountinfo")), lines(read(t, want, "mountinfo"))
		if len(ours) != len(live) || len(ours) == 0 {
			t.Fatalf("%s/mountinfo has %d lines, want %d", got, len(ours), len(live))
		}
		for i := range ours {
			if g, w := strings.Fields(ours[i]), strings.Fields(live[i]); strings.Join(g, " ") != strings.Join(asSaved(g, w), " ") {
				t.Errorf("%s/mountinfo: %q, want %q", got, ours[i], live[i])
			}
		}
		if g, w := len(lines(read(t, got, "mounts"))), len(live); g != w {
			t.Errorf("%s/mounts has %d lines, want %d", got, g, w)
		}
	})
}

// asSaved is a line of the live mountinfo as CRIU saves it: without the types
// of file systems that it does not know, with cgroups as the container sees
// them, not the host where the record was taken, and without nosymfollow.
func asSaved(got, live []string) []string {
	const root, options = 3, 5
	live = append([]string(nil), live...)
	for i, field := range live {
		if field == "-" && live[i+1] == "ext4" {
			live[i+1] = "none"
		}
		if field == "-" && live[i+1] == "cgroup2" && got[root] == "/" {
			live[root] = "/"
			live[len(live)-1] = got[len(got)-1] // of the machine's one hierarchy, which was remounted in between
		}
	}
	live[options] = strings.TrimSuffix(live[options], ",nosymfollow")
	return live
}

// ns/mnt is the mount table of the first process, and of one in a namespace of
// its own there is a second.
func TestMountNamespaces(t *testing.T) {
	root := mountedOnce(t, testdata("spaces", "spaces.tar.zst"))
	for _, pid := range pids(t, filepath.Join(root, "procs")) {
		process := filepath.Join(root, "procs", strconv.Itoa(pid))
		link, err := os.Readlink(filepath.Join(process, "ns/mnt"))
		check(t, err)
		name := "mnt"
		if pid != 1 {
			name += "." + strings.Trim(link, "mnt:[]")
		}
		if got, want := read(t, root, "ns", name), read(t, process, "mountinfo"); got != want || got == "" {
			t.Errorf("ns/%s = %q, want that of process %d, %q", name, got, pid, want)
		}
	}
}
