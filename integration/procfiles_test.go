package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// otherFiles are the files that may rightly differ from the live process's,
// with what tells whether they do so rightly. got and want are the folder of
// the process or of the thread in the mount and in the record.
var otherFiles = map[string]func(t *testing.T, got, want string) bool{
	// CRIU saves no numbers of hierarchies, no control groups where they are
	// its own, and none of zombies.
	"cgroup": func(t *testing.T, got, want string) bool {
		ours := read(t, got, "cgroup")
		return ours == hierarchies(read(t, want, "cgroup")) ||
			ours == "" && (!hasImage(t, got, "cgroup.img") || !exists(filepath.Join(got, "regs")))
	},
	// Which thread made a child is not saved. The record has PIDs of the host.
	"children": func(t *testing.T, got, want string) bool {
		n := 0
		for _, tid := range names(t, filepath.Join(want, "../../task")) {
			n += len(strings.Fields(read(t, want, "..", tid, "children")))
		}
		if filepath.Base(got) != filepath.Base(filepath.Join(got, "../..")) {
			n = 0
		}
		return len(strings.Fields(read(t, got, "children"))) == n
	},
	"coredump_filter": func(t *testing.T, got, _ string) bool { return read(t, got, "coredump_filter") == "00000000\n" },
	"timerslack_ns":   func(t *testing.T, got, _ string) bool { return read(t, got, "timerslack_ns") == "0\n" },
	"wchan":           func(t *testing.T, got, _ string) bool { return read(t, got, "wchan") == "0" },
	// A process that ran was stopped where it was. Of 64-bit ARM one must see the
	// instruction.
	"syscall": func(t *testing.T, got, want string) bool {
		stopped := regexp.MustCompile(`^-1 0x[0-9a-f]+ 0x[0-9a-f]+\n$`)
		ours, live := read(t, got, "syscall"), read(t, want, "syscall")
		return live == "running\n" && stopped.MatchString(ours) || strings.Contains(want, "aarch64") && ours == "running\n"
	},
}

// hierarchies is a live cgroup file without the numbers of hierarchies, and
// with the hierarchies sorted, the unified one last.
func hierarchies(text string) string {
	var list []string
	for _, line := range lines(text) {
		_, rest, _ := strings.Cut(line, ":")
		list = append(list, "0:"+rest+"\n")
	}
	slices.Sort(list)
	slices.Reverse(list)
	return strings.Join(list, "")
}

// hasImage tells whether the checkpoint of a folder in the mount has an image.
func hasImage(t *testing.T, dir, pattern string) bool {
	t.Helper()
	root := dir[:strings.LastIndex(dir, "/procs/")]
	for _, folder := range []string{"archive", "archive/*"} {
		found, err := filepath.Glob(filepath.Join(root, folder, pattern))
		check(t, err)
		if len(found) > 0 {
			return true
		}
	}
	return false
}

// deadFiles are the files of which CRIU saves nothing of a zombie, and which
// are missing there.
var deadFiles = []string{
	"attr/current", "coredump_filter", "gid_map", "limits", "loginuid", "oom_adj", "oom_score_adj", "personality", "sessionid",
	"timerslack_ns", "uid_map",
}

// The files of a process and of its threads are the live one's, byte for byte,
// but for those above.
func TestProcFiles(t *testing.T) {
	seen := make(map[string]bool)
	eachRecorded(t, func(t *testing.T, got, want string) {
		dead := !exists(filepath.Join(got, "regs"))
		for _, name := range []string{
			"attr/current", "cgroup", "children", "comm", "coredump_filter", "gid_map", "limits", "loginuid", "oom_adj", "oom_score_adj",
			"personality", "sessionid", "syscall", "timers", "timerslack_ns", "uid_map", "wchan",
		} {
			_, err := os.Stat(filepath.Join(got, name))
			gone := os.IsNotExist(err)
			switch {
			case !exists(filepath.Join(want, name)):
				continue
			case gone && dead && slices.Contains(deadFiles, name):
				continue
			case gone && strings.HasSuffix(name, "id_map") && !hasImage(t, got, "userns-*.img"):
				continue
			}
			g, w := read(t, got, name), read(t, want, name)
			other := otherFiles[name]
			if g != w && (other == nil || !other(t, got, want)) {
				t.Errorf("%s/%s = %q, want %q", got, name, g, w)
			}
			seen[name] = seen[name] || g != ""
		}
	})
	for _, name := range []string{"cgroup", "children", "comm", "gid_map", "limits", "oom_adj", "sessionid", "syscall", "timers", "uid_map"} {
		if !seen[name] {
			t.Errorf("no process has something in %s", name)
		}
	}
}

// With the program at hand, the system calls of 64-bit ARM are those of the
// live process.
func TestSyscallARM64(t *testing.T) {
	root := mount(t, testdata("aarch64/aarch64.tar"), "--rootfs", testdata("aarch64/sysroot.tar.zst"))
	record := unpackedOnce(t, "aarch64/truth.tar.zst")
	for _, name := range []string{"164/syscall", "164/task/164/syscall", "164/task/166/syscall", "167/syscall"} {
		if got, want := read(t, root, "procs", name), read(t, record, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// Processes share the namespaces that the live ones shared, and no others.
func TestNamespaces(t *testing.T) {
	shared, apart := 0, 0
	for _, r := range slices.Concat(recorded, alsoRecorded) {
		root, record := filepath.Join(mountedOnce(t, testdata(r.archive)), "procs"), unpackedOnce(t, r.truth)
		ours, live := make(map[string]map[string]string), make(map[string]map[string]string)
		for _, n := range pids(t, root) {
			pid := fmt.Sprint(n)
			if !exists(filepath.Join(root, pid, "regs")) {
				if list := names(t, filepath.Join(root, pid, "ns")); len(list) != 0 {
					t.Errorf("%s: zombie %s has the namespaces %v, want none", r.name, pid, list)
				}
				continue
			}
			ours[pid] = linksIn(t, filepath.Join(root, pid, "ns"))
			live[pid] = recordedLinks(t, filepath.Join(record, pid), "ns.txt")
			delete(live[pid], "pid_for_children") // CRIU does not save it
			for name, target := range live[pid] {
				kind, _, _ := strings.Cut(target, ":")
				if !regexp.MustCompile(`^` + kind + `:\[[1-9][0-9]*\]$`).MatchString(ours[pid][name]) {
					t.Errorf("%s: %s/ns/%s -> %q, want a number of CRIU's in the place of that in %q", r.name, pid, name, ours[pid][name], target)
				}
			}
			if len(ours[pid]) != len(live[pid]) {
				t.Errorf("%s: %s/ns has %v, want %v", r.name, pid, ours[pid], live[pid])
			}
		}
		for a := range live {
			for b := range live {
				for name := range live[a] {
					if got, want := ours[a][name] == ours[b][name], live[a][name] == live[b][name]; got != want {
						t.Errorf("%s: processes %s and %s have %s in common: %v, want %v", r.name, a, b, name, got, want)
					} else if want {
						shared++
					} else {
						apart++
					}
				}
			}
		}
	}
	if shared == 0 || apart == 0 {
		t.Errorf("%d namespaces are shared and %d are not, want some of both", shared, apart)
	}
}

// map_files/ has the files that the live process mapped, at their addresses.
func TestMapFiles(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, want string) {
		if filepath.Base(filepath.Dir(got)) == "task" {
			return
		}
		live := make(map[string]string)
		if exists(filepath.Join(want, "map_files.txt")) {
			live = recordedLinks(t, want, "map_files.txt")
		} else if exists(filepath.Join(want, "maps")) {
			live = mappedFiles(read(t, want, "maps"))
		}
		ours := linksIn(t, filepath.Join(got, "map_files"))
		for name, target := range live {
			if ours[name] != target {
				t.Errorf("%s/map_files/%s -> %q, want %q", got, name, ours[name], target)
			}
		}
		if len(ours) != len(live) && len(live) > 0 {
			t.Errorf("%s/map_files has %d links, want %d", got, len(ours), len(live))
		}
	})
}

// mappedFiles are the lines of maps that have a file, by their addresses
// without leading zeros.
func mappedFiles(maps string) map[string]string {
	files := make(map[string]string)
	for _, line := range lines(maps) {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasPrefix(f[5], "/") {
			continue
		}
		start, end, _ := strings.Cut(f[0], "-")
		files[strings.TrimLeft(start, "0")+"-"+strings.TrimLeft(end, "0")] = strings.Join(f[5:], " ")
	}
	return files
}
