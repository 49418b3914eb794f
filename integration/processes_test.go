package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files whose form the kernel fixes are what the live process showed, byte
// for byte.
func TestProcessFiles(t *testing.T) {
	for _, fixture := range full {
		root, want := sharedMount(t, fixture), truth(t, fixture)
		for _, pid := range pids(t, want) {
			for _, name := range []string{"comm", "cmdline", "environ", "auxv"} {
				t.Run(fmt.Sprintf("%s/%d/%s", fixture, pid, name), func(t *testing.T) {
					path := filepath.Join(fmt.Sprint(pid), name)
					if _, err := os.Stat(filepath.Join(want, path)); os.IsNotExist(err) {
						checkZombie(t, fixture, pid)
						return
					}
					if got, want := read(t, root, "procs", path), read(t, want, path); got != want {
						t.Errorf("procs/%s = %q, want %q", path, got, want)
					}
				})
			}
		}
	}
}

// checkZombie fails where a process other than zoo's zombie has no record: its
// environ and auxv could not be recorded, for a zombie has no memory.
func checkZombie(t *testing.T, fixture string, pid int) {
	t.Helper()
	if fixture != "zoo" || pid != 8 {
		t.Errorf("no record of process %d in %s", pid, fixture)
	}
}

func TestProcessList(t *testing.T) {
	for _, fixture := range full {
		got := pids(t, filepath.Join(sharedMount(t, fixture), "procs"))
		if want := pids(t, truth(t, fixture)); !slices.Equal(got, want) {
			t.Errorf("%s: procs/ = %v, want %v", fixture, got, want)
		}
	}
}

// cmdline.txt and environ.txt are the NUL-separated files, one item a line.
func TestSplitArguments(t *testing.T) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		for _, pid := range pids(t, filepath.Join(root, "procs")) {
			for _, name := range []string{"cmdline", "environ"} {
				dir := filepath.Join(root, "procs", fmt.Sprint(pid))
				if _, err := os.Stat(filepath.Join(dir, name)); os.IsNotExist(err) && name == "environ" {
					checkZombie(t, fixture, pid)
					continue
				}
				want := strings.ReplaceAll(read(t, dir, name), "\x00", "\n")
				if got := read(t, dir, name+".txt"); got != want {
					t.Errorf("%s: procs/%d/%s.txt = %q, want %q", fixture, pid, name, got, want)
				}
			}
		}
	}
}

// The recorder named threads by their host TIDs, the checkpoint by the
// container's: so the names are compared as a sorted list, the TIDs with the
// last number of NSpid.
func TestThreads(t *testing.T) {
	for _, fixture := range full {
		root, recorded := sharedMount(t, fixture), truth(t, fixture)
		for _, pid := range pids(t, recorded) {
			task := filepath.Join(recorded, fmt.Sprint(pid), "task")
			var want []string
			for _, tid := range pids(t, task) {
				dir := filepath.Join(task, fmt.Sprint(tid))
				want = append(want, nsTID(t, read(t, dir, "status"))+" "+read(t, dir, "comm"))
			}
			task = filepath.Join(root, "procs", fmt.Sprint(pid), "task")
			var got []string
			for _, tid := range pids(t, task) {
				got = append(got, fmt.Sprint(tid, " ", read(t, task, fmt.Sprint(tid), "comm")))
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: task/*/comm of %d = %q, want %q", fixture, pid, got, want)
			}
		}
	}
}

// nsTID returns the innermost thread number in the text of a status file.
func nsTID(t *testing.T, status string) string {
	t.Helper()
	for _, line := range lines(status) {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(rest)
			return f[len(f)-1]
		}
	}
	t.Fatal("status has no NSpid")
	return ""
}

// exe, cwd and root stay inside the mount and tell in an xattr what the
// process saw. The xattr is in the namespace security, for the kernel answers
// ENODATA for any user xattr of a symbolic link without asking the file system.
func TestProcessLinks(t *testing.T) {
	require(t, "getfattr")
	for _, fixture := range full {
		root, recorded := sharedMount(t, fixture), truth(t, fixture)
		for _, pid := range pids(t, recorded) {
			for _, name := range []string{"exe", "cwd", "root"} {
				record := filepath.Join(recorded, fmt.Sprint(pid), name+".link")
				if _, err := os.Stat(record); err != nil {
					checkZombie(t, fixture, pid)
					continue
				}
				link := filepath.Join(root, "procs", fmt.Sprint(pid), name)
				want := strings.TrimSuffix(read(t, record), "\n")
				got := output(t, "getfattr", "-h", "--only-values", "-n", "security.ckptfs.target", link)
				if got != want {
					t.Errorf("%s: security.ckptfs.target of procs/%d/%s = %q, want %q", fixture, pid, name, got, want)
				}
				checkConfined(t, root, link)
			}
		}
	}
}

// checkConfined fails where a link in the mount at root leads out of it.
func checkConfined(t *testing.T, root, link string) {
	t.Helper()
	target, err := os.Readlink(link)
	if err != nil {
		t.Error(err)
		return
	}
	inside, _ := filepath.Rel(root, filepath.Join(filepath.Dir(link), target))
	if filepath.IsAbs(target) || inside == ".." || strings.HasPrefix(inside, "../") {
		t.Errorf("%s -> %s leads out of the mount", link, target)
	}
}

// No link anywhere in the mount leads out of it.
func TestLinksConfined(t *testing.T) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		for _, link := range lines(output(t, "find", root, "-type", "l")) {
			checkConfined(t, root, link)
		}
	}
}
