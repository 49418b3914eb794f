package integration

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// alsoRecorded are checkpoints of whose processes /proc was recorded, but not
// the memory.
var alsoRecorded = []recording{
	{"files", "files/files.tar.zst", "files/truth.tar.zst", "", ""},
	{"spaces", "spaces/spaces.tar.zst", "spaces/truth.tar.zst", "", ""},
}

// eachRecorded calls test for every process and thread of the recorded
// checkpoints, with its folder in the mount and in the record.
func eachRecorded(t *testing.T, test func(t *testing.T, got, want string)) {
	for _, r := range slices.Concat(recorded, alsoRecorded) {
		root := mountedOnce(t, testdata(r.archive))
		record := unpackedOnce(t, r.truth)
		for _, pid := range pids(t, record) {
			process := fmt.Sprint(pid)
			if !exists(filepath.Join(record, process, "status")) {
				continue // of 32-bit processes there is gdb's view alone
			}
			t.Run(r.name+"/"+process, func(t *testing.T) {
				test(t, filepath.Join(root, "procs", process), filepath.Join(record, process))
				for _, tid := range pids(t, filepath.Join(record, process, "task")) {
					task := filepath.Join("task", fmt.Sprint(tid))
					if exists(filepath.Join(record, process, task, "status")) {
						test(t, filepath.Join(root, "procs", process, task), filepath.Join(record, process, task))
					}
				}
			})
		}
	}
}

// otherStatus are the lines of status that rightly differ, with what stands
// there in a checkpoint; "*" for what the other tests look at.
var otherStatus = map[string]string{
	// PIDs of the host, where the record was taken.
	"Tgid": "*", "Pid": "*", "PPid": "*", "NStgid": "*", "NSpid": "*", "NSpgid": "*", "NSsid": "*",
	// Accounting, and what else CRIU does not save.
	"SigQ": "*", "VmPTE": "       0 kB", "VmSwap": "       0 kB",
	"voluntary_ctxt_switches": "0", "nonvoluntary_ctxt_switches": "0",
	"Cpus_allowed": "0", "Cpus_allowed_list": "", "Mems_allowed": "0", "Mems_allowed_list": "",
	"Speculation_Store_Bypass": "unknown", "SpeculationIndirectBranch": "unknown",
	// The greatest sizes are not saved, and clean pages of files not captured.
	"VmPeak": "*", "VmHWM": "*", "VmRSS": "*", "RssAnon": "*", "RssFile": "*", "RssShmem": "*",
}

// notShown are the lines that only the record has: of the processor, and of
// the kernel's configuration.
var notShown = []string{"untag_mask", "x86_Thread_features", "x86_Thread_features_locked"}

// status is the live process's, line by line.
func TestStatus(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, want string) {
		live := statusLines(read(t, want, "status"))
		ours := statusLines(read(t, got, "status"))
		dead := !exists(filepath.Join(got, "regs"))
		liveState := live[slices.IndexFunc(live, func(l [2]string) bool { return l[0] == "State" })][1]
		for _, line := range live {
			name, value := line[0], line[1]
			i := slices.IndexFunc(ours, func(l [2]string) bool { return l[0] == name })
			switch other, ok := otherStatus[name]; {
			case slices.Contains(notShown, name):
			case i < 0:
				t.Errorf("%s/status has no %s", got, name)
			case ok && (other == "*" || ours[i][1] == other):
			case dead && ours[i][1] == strings.Repeat("0", len(ours[i][1])):
				// CRIU saves neither credentials nor signals of a zombie.
			case name == "State" && value == "R (running)" && ours[i][1] == "S (sleeping)":
				// CRIU does not tell them apart.
			case name == "FDSize" && integer(t, ours[i][1]) < integer(t, value):
				// A table of descriptors has been larger than it need be.
			case name == "Gid" && hasImage(t, got, "userns-*.img") && ours[i][1] == "0\t0\t0\t0":
				// The group that the recorder, outside of the user namespace, saw.
			case name == "ShdPnd" && value == "0000000000040000" && strings.HasPrefix(liveState, "T"):
				// The SIGSTOP by which CRIU left a stopped process behind.
			case ours[i][1] != value:
				t.Errorf("%s/status: %s: %q, want %q", got, name, ours[i][1], value)
			}
		}
		// The lines that both have stand in the same order.
		var order []string
		for _, l := range ours {
			if slices.ContainsFunc(live, func(w [2]string) bool { return w[0] == l[0] }) {
				order = append(order, l[0])
			}
		}
		live = slices.DeleteFunc(live, func(l [2]string) bool { return !slices.Contains(order, l[0]) })
		for i, l := range live {
			if i >= len(order) || order[i] != l[0] {
				t.Errorf("%s/status: the lines are %v", got, order)
				break
			}
		}
		namespaced := map[string]string{"NStgid": "Tgid", "NSpid": "Pid"}
		for outer, inner := range namespaced {
			i := slices.IndexFunc(live, func(l [2]string) bool { return l[0] == outer })
			j := slices.IndexFunc(ours, func(l [2]string) bool { return l[0] == inner })
			if i >= 0 {
				words := strings.Fields(live[i][1])
				if ours[j][1] != words[len(words)-1] {
					t.Errorf("%s/status: %s: %s, want the container's %s", got, inner, ours[j][1], words[len(words)-1])
				}
			}
		}
	})
}

func integer(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	check(t, err)
	return n
}

// statusLines are the names and values of status.
func statusLines(text string) [][2]string {
	var list [][2]string
	for _, line := range lines(text) {
		name, value, _ := strings.Cut(line, ":\t")
		list = append(list, [2]string{strings.TrimSuffix(name, ":"), value})
	}
	return list
}

// otherStat are the fields of stat, by their numbers in proc_pid_stat(5), that
// rightly differ.
var otherStat = map[int]string{
	1: "*", 4: "*", 5: "*", 6: "*", // PIDs of the host
	10: "0", 11: "0", 12: "0", 13: "0", 14: "0", 15: "0", 16: "0", 17: "0", // faults, CPU time
	22: "0", 24: "*", // start time; rss, of which only what was captured
	35: "0", 38: "0", 39: "0", 42: "0", // wchan, exit_signal, processor, delays
}

// stat is the live process's, field by field.
func TestStatFile(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, want string) {
		fields := func(dir string) []string {
			text := read(t, dir, "stat")
			i := strings.LastIndexByte(text, ')')
			open := strings.IndexByte(text, '(')
			return append([]string{text[:open-1], text[open : i+1]}, strings.Fields(text[i+1:])...)
		}
		ours, live := fields(got), fields(want)
		if len(ours) != 52 || len(live) != 52 {
			t.Fatalf("stat has %d fields, the record %d, want 52", len(ours), len(live))
		}
		dead := !exists(filepath.Join(got, "regs"))
		for i := range ours {
			other, ok := otherStat[i+1]
			switch {
			case ok && (other == "*" || ours[i] == other):
			case dead && ours[i] == "0": // CRIU saves nearly nothing of a zombie
			case i+1 == 9 && strings.Contains(got, "/task/") && ours[i] == "0": // of the leader alone
			case i+1 == 3 && live[i] == "R" && ours[i] == "S":
			case ours[i] != live[i]:
				t.Errorf("%s/stat: field %d = %s, want %s", got, i+1, ours[i], live[i])
			}
		}
	})
}

// These files are the live process's, byte for byte.
func TestSmallFiles(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, want string) {
		if filepath.Base(filepath.Dir(got)) == "task" || !exists(filepath.Join(got, "regs")) {
			return
		}
		for _, name := range []string{"limits", "loginuid", "oom_score_adj", "personality"} {
			if !exists(filepath.Join(want, name)) {
				continue
			}
			if g, w := read(t, got, name), read(t, want, name); g != w {
				t.Errorf("%s/%s = %q, want %q", got, name, g, w)
			}
		}
		// size, text and data; the others are of resident pages.
		g, w := strings.Fields(read(t, got, "statm")), strings.Fields(read(t, want, "statm"))
		for _, i := range []int{0, 3, 4, 5, 6} {
			if g[i] != w[i] {
				t.Errorf("%s/statm: field %d = %s, want %s", got, i, g[i], w[i])
			}
		}
	})
}
