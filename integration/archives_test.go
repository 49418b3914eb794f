package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// incremental are the archives that refer to a parent checkpoint that they do
// not contain.
var incremental = []string{"predump/final.tar.zst"}

// Every archive of testdata mounts with the processes of its pstree.img and no
// others, or is refused in one line that names what it is.
func TestEveryArchive(t *testing.T) {
	require(t, "fuse")
	for _, row := range []struct {
		path  string
		procs []int    // of pstree.img
		says  []string // what the refusal names; none: it must mount
	}{
		{path: "zoo/checkpoint.tar.zst", procs: []int{1, 6, 7, 8, 9, 10, 11, 12}},
		{path: "counter/checkpoint.tar.zst", procs: []int{1, 6, 7}},
		{path: "aarch64/aarch64.tar", procs: []int{164, 167}},
		{path: "chain/chain.tar.zst", procs: []int{720}},
		{path: "chain/dedup.tar.zst", procs: []int{748}},
		{path: "compat/compat.tar.zst", procs: []int{1886, 1889}},
		{path: "ghosts/checkpoint.tar.zst", procs: []int{1, 6}},
		{path: "nonroot/nr2.tar.zst", procs: []int{1, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 19, 20, 22}},
		{path: "nonroot/nr3.tar.zst", procs: []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{path: "predump/final.tar.zst", procs: []int{1}},
		{path: "predump/pre.tar.zst", says: []string{"pre-"}},
		{path: "thp/thp.tar.zst", procs: []int{1959}},
		{path: "variants/full.tar", procs: []int{1, 14}},
		{path: "variants/full.tar.gz", procs: []int{1, 13}},
		{path: "variants/full.tar.zst", procs: []int{1, 12}},
		{path: "variants/ignore-rootfs.tar.zst", procs: []int{1, 15}},
		{path: "variants/ignore-volumes.tar.zst", procs: []int{1, 16}},
		{path: "variants/stopped-keep.tar.zst", procs: []int{1, 18}},
		{path: "variants/ckimg-oci.tar", says: []string{"OCI"}},
		{path: "variants/ckimg-docker.tar", says: []string{"Docker", "docker"}},
		{path: "vmas/vmas.tar.zst", procs: []int{2041}},
		{path: "containerd/tasks-image-path.tar.zst", procs: []int{1, 8, 9, 10, 11, 12, 13, 14, 18, 19, 20, 21, 22, 23}, says: []string{"containerd"}},
		{path: "containerd/ck-all.tar.zst", procs: []int{1, 8, 9, 10, 11, 12, 13, 14, 18, 19, 20, 21, 22, 23}, says: []string{"OCI", "containerd"}},
		{path: "docker/docker-cp1.tar.zst", procs: []int{1, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24}, says: []string{"Docker", "docker"}},
		{path: "docker/docker-container-dir.tar.zst", procs: []int{1, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24}, says: []string{"Docker", "docker"}},
	} {
		t.Run(row.path, func(t *testing.T) {
			m, err := newMount(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			r := runCmd(t, commandLimit, m.command(program(t), "mount", testdata(row.path), m.point))
			if r.code != 0 {
				checkRefusal(t, m, r, row.says)
				return
			}
			defer m.stop(t)
			if got := pids(t, filepath.Join(m.point, "procs")); !slices.Equal(got, row.procs) {
				t.Errorf("procs/ = %v, want %v", got, row.procs)
			}
			for _, line := range lines(read(t, m.point, "warnings")) {
				if !slices.Contains(incremental, row.path) || !strings.Contains(line, "parent") {
					t.Errorf("warnings of a sound archive: %s", line)
				}
			}
			walk(t, m.point)
		})
	}
}

func checkRefusal(t *testing.T, m *mounted, r result, says []string) {
	t.Helper()
	named := slices.ContainsFunc(says, func(s string) bool { return strings.Contains(r.stderr, s) })
	if r.code != 1 || len(lines(r.stderr)) != 1 || !named {
		t.Errorf("mount = %d, %q, want 0, or 1 and one line that names one of %q", r.code, r.stderr, says)
	}
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
}

// walk looks at everything in a mount and reads every file but mem, cores by
// their data only. It must come to an end; errors of reading are for the
// caller to allow.
func walk(t testing.TB, root string) (unreadable []string) {
	t.Helper()
	const script = `find . -type l -printf '%l\n' -o -printf '%s\n' >/dev/null
		find . -type f ! -name mem ! -path './cores/*' -exec cat {} + >/dev/null || true
		for f in cores/*; do
			if [ -e "$f" ]; then cp --sparse=always "$f" "$OUT/core" || true; fi
		done`
	r := runCmd(t, 3*walkLimit, walkCommand(root, t.TempDir(), script))
	if r.code != 0 {
		t.Errorf("walk of %s: exit status %d: %s", root, r.code, r.stderr)
	}
	return lines(r.stderr)
}

// Every process of the recorded archives is the live one where it can be said:
// comm, cmdline, environ and auxv. An incremental checkpoint may have the
// arguments in its parent alone; then, without the parent, they give EIO
// (TestInheritedPages reads them with the parent).
func TestEveryRecordedProcess(t *testing.T) {
	for _, row := range []struct{ archive, truth string }{
		{"aarch64/aarch64.tar", "aarch64/truth.tar.zst"},
		{"chain/chain.tar.zst", "chain/truth.tar.zst"},
		{"chain/dedup.tar.zst", "chain/truth-dedup.tar.zst"},
		{"compat/compat.tar.zst", "compat/truth.tar.zst"},
		{"nonroot/nr2.tar.zst", "nonroot/truth-nr2.tar.zst"},
		{"nonroot/nr3.tar.zst", "nonroot/truth-nr3.tar.zst"},
		{"predump/final.tar.zst", "predump/truth.tar.zst"},
		{"thp/thp.tar.zst", "thp/truth.tar.zst"},
		{"vmas/vmas.tar.zst", "vmas/truth.tar.zst"},
	} {
		t.Run(row.archive, func(t *testing.T) {
			root, recorded := mount(t, testdata(row.archive)), unpackedOnce(t, row.truth)
			for _, pid := range pids(t, filepath.Join(root, "procs")) {
				for _, name := range []string{"comm", "cmdline", "environ", "auxv"} {
					path := filepath.Join(fmt.Sprint(pid), name)
					want, err := os.ReadFile(filepath.Join(recorded, path))
					if os.IsNotExist(err) {
						continue // not recorded, as of a zombie
					}
					got, err := os.ReadFile(filepath.Join(root, "procs", path))
					if errors.Is(err, syscall.EIO) && slices.Contains(incremental, row.archive) {
						continue
					}
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("procs/%s = %q, %v, want %q", path, got, err, want)
					}
				}
			}
		})
	}
}

// 70,011 mappings are listed in full and in seconds.
func TestManyMappings(t *testing.T) {
	root := mount(t, testdata("vmas", "vmas.tar.zst"))
	start := time.Now()
	n := len(parseMaps(t, read(t, root, "procs", "2041", "maps")))
	stretches := lines(output(t, "find", filepath.Join(root, "procs", "2041", "mem.d"), "-type", "f", "-size", "+0"))
	if n < 70000 || len(stretches) == 0 {
		t.Errorf("%d mappings and %d stretches, want at least 70,000 and some", n, len(stretches))
	}
	if took := time.Since(start); took > slowdown*10*time.Second {
		t.Errorf("maps and mem.d of 70,000 mappings took %v, want at most %v", took, slowdown*10*time.Second)
	}
}
