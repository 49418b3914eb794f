package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// secrets are what zoo.c writes into memory of every kind, and where: in which
// mapping by the live process's maps, and at which offset in what is mapped.
// Its forked children map all of it.
var secrets = []struct {
	text, name, perms string // no perms: any
	offset            uint64
}{
	{"SHARED-ANON-SECRET", "/dev/zero (deleted)", "rw-s", 0},
	{"MEMFD-SECRET", "/memfd:payload (deleted)", "rw-s", 0},
	{"SYSV-SHM-SECRET", "/SYSV00001234 (deleted)", "rw-s", 0},
	{"POSIX-SHM-SECRET", "/dev/shm/posix-shm", "rw-s", 0},
	{"COW-DIRTY-PAGE2", "/work/data.bin", "rw-p", 2 * pageSize},
	{"SHARED-FILE-PAGE6", "/work/data.bin", "", 6 * pageSize},
	{"SPARSE-MIDDLE", "", "rw-p", 512 << 20}, // no other anonymous mapping is as long
}

var forked = []int{1, 6, 7, 9, 11}

// grep finds each secret in mem.d of every process that maps it, at the
// addresses where the live process had it and nowhere else; and mem has it
// there.
func TestSecretsOfEveryKind(t *testing.T) {
	for name, root := range map[string]string{
		"without a rootfs": sharedMount(t, "zoo"),
		"with its rootfs":  mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", testdata("zoo", "sysroot.tar.zst")),
	} {
		for _, secret := range secrets {
			t.Run(name+"/"+secret.text, func(t *testing.T) {
				got := grepMemory(t, root, secret.text)
				for _, pid := range forked {
					var want []uint64
					for _, m := range parseMaps(t, read(t, truth(t, "zoo"), fmt.Sprint(pid), "maps")) {
						if m.name != secret.name || secret.perms != "" && m.perms != secret.perms {
							continue
						}
						from, err := strconv.ParseUint(m.offset, 16, 64)
						if err != nil {
							t.Fatal(err)
						}
						if from <= secret.offset && secret.offset-from < m.end-m.start {
							want = append(want, m.start+secret.offset-from)
						}
					}
					if !slices.Equal(got[pid], want) || len(want) == 0 {
						t.Errorf("grep %s finds it in %d at %x, want %x", secret.text, pid, got[pid], want)
					}
					delete(got, pid)
					mem := open(t, root, "procs", fmt.Sprint(pid), "mem")
					for _, addr := range want {
						b := make([]byte, len(secret.text))
						if _, err := mem.ReadAt(b, int64(addr)); err != nil || string(b) != secret.text {
							t.Errorf("mem of %d at %x = %q, %v, want %s", pid, addr, b, err, secret.text)
						}
					}
				}
				if len(got) != 0 {
					t.Errorf("grep %s finds it in %v as well, want only in %v", secret.text, got, forked)
				}
			})
		}
	}
}

// grepMemory returns where grep finds text in mem.d, by process, ascending. In
// how many files grep -l finds it must be the same.
func grepMemory(t *testing.T, root, text string) map[int][]uint64 {
	t.Helper()
	hit := regexp.MustCompile(`^procs/(\d+)/mem\.d/([0-9a-f]{16})-[0-9a-f]{16}\.[rwxps-]{4}\.[A-Za-z0-9._-]+:(\d+):` + text + `$`)
	at, files := map[int][]uint64{}, map[string]bool{}
	for _, line := range lines(shell(t, root, `grep -rabo `+text+` procs/[0-9]*/mem.d`)) {
		m := hit.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("grep prints %q", line)
		}
		pid, err1 := strconv.Atoi(m[1])
		start, err2 := strconv.ParseUint(m[2], 16, 64)
		offset, err3 := strconv.ParseUint(m[3], 10, 64)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("grep prints %q", line)
		}
		at[pid] = append(at[pid], start+offset)
		files[m[1]+"/"+m[2]] = true
	}
	named := lines(shell(t, filepath.Join(root, "procs"), `grep -rl `+text+` [0-9]*/mem.d`))
	if len(named) != len(files) {
		t.Errorf("grep -rl %s = %q, want %d files", text, named, len(files))
	}
	for _, addrs := range at {
		slices.Sort(addrs)
	}
	return at
}
