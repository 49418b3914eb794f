package integration

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// psutil reads every process of procs/ as its PROCFS_PATH.
func TestPsutil(t *testing.T) {
	require(t, "python3", "python3-psutil")
	for _, r := range recorded {
		t.Run(r.name, func(t *testing.T) {
			root := filepath.Join(mountWithParent(t, r), "procs")
			ran := runCmd(t, commandLimit, exec.Command("/usr/bin/python3", testdata("psutil-walk.py"), root))
			if ran.code != 0 || ran.stderr != "" {
				t.Fatalf("exit status %d\n%s", ran.code, ran.stderr)
			}
			var report struct {
				Processes map[string]struct {
					Name    string
					Cmdline []string
					PPID    int
					UIDs    []int
				}
			}
			check(t, json.Unmarshal([]byte(ran.stdout), &report))
			if got, want := len(report.Processes), len(pids(t, root)); got != want {
				t.Fatalf("%d processes, want %d", got, want)
			}
			for _, pid := range pids(t, root) {
				dir, got := filepath.Join(root, fmt.Sprint(pid)), report.Processes[fmt.Sprint(pid)]
				if comm := strings.TrimSuffix(read(t, dir, "comm"), "\n"); !strings.HasPrefix(got.Name, comm) {
					t.Errorf("process %d: name %q, comm %q", pid, got.Name, comm)
				}
				args := strings.Split(strings.TrimSuffix(read(t, dir, "cmdline"), "\x00"), "\x00")
				if len(got.Cmdline) > 0 && !slices.Equal(got.Cmdline, args) {
					t.Errorf("process %d: command line %q, want %q", pid, got.Cmdline, args)
				}
			}
		})
	}
}
