package integration

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// expected are the archives whose warnings are right, with what each warning
// says: of one that refers to a parent checkpoint that it does not contain, and
// of such a parent.
var expected = map[string]string{
	"predump/final.tar.zst": "parent checkpoint that is not here",
	"predump/pre.tar.zst":   "a pre-checkpoint",
}

// everyArchive are the archives of testdata, with the processes of their
// pstree.img.
var everyArchive = []struct {
	path  string
	procs []int
}{
	{"zoo/checkpoint.tar.zst", []int{1, 6, 7, 8, 9, 10, 11, 12}},
	{"counter/checkpoint.tar.zst", []int{1, 6, 7}},
	{"aarch64/aarch64.tar", []int{164, 167}},
	{"chain/chain.tar.zst", []int{720}},
	{"chain/dedup.tar.zst", []int{748}},
	{"compat/compat.tar.zst", []int{1886, 1889}},
	{"ghosts/checkpoint.tar.zst", []int{1, 6}},
	{"nonroot/nr2.tar.zst", []int{1, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 19, 20, 22}},
	{"nonroot/nr3.tar.zst", []int{1, 2, 3, 4, 5, 6, 7, 8}},
	{"predump/final.tar.zst", []int{1}},
	{"predump/pre.tar.zst", nil},
	{"thp/thp.tar.zst", []int{1959}},
	{"variants/full.tar", []int{1, 14}},
	{"variants/full.tar.gz", []int{1, 13}},
	{"variants/full.tar.zst", []int{1, 12}},
	{"variants/ignore-rootfs.tar.zst", []int{1, 15}},
	{"variants/ignore-volumes.tar.zst", []int{1, 16}},
	{"variants/stopped-keep.tar.zst", []int{1, 18}},
	{"variants/ckimg-oci.tar", []int{1, 17}},
	{"variants/ckimg-docker.tar", []int{1, 17}},
	{"vmas/vmas.tar.zst", []int{2041}},
	{"containerd/tasks-image-path.tar.zst", []int{1, 8, 9, 10, 11, 12, 13, 14, 18, 19, 20, 21, 22, 23}},
	{"containerd/ck-all.tar.zst", []int{1, 8, 9, 10, 11, 12, 13, 14, 18, 19, 20, 21, 22, 23}},
	{"docker/docker-cp1.tar.zst", []int{1, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24}},
	{"docker/docker-container-dir.tar.zst", []int{1, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24}},
}

// Every archive of testdata mounts with the processes of its pstree.img and no
// others, and no file in the mount says that bytes are where they are not.
func TestEveryArchive(t *testing.T) {
	for _, row := range everyArchive {
		t.Run(row.path, func(t *testing.T) {
			root := mount(t, testdata(row.path))
			if got := pids(t, filepath.Join(root, "procs")); !slices.Equal(got, row.procs) {
				t.Errorf("procs/ = %v, want %v", got, row.procs)
			}
			for _, line := range lines(read(t, root, "warnings")) {
				if expected[row.path] == "" || !strings.Contains(line, expected[row.path]) {
					t.Errorf("warnings of a sound archive: %s", line)
				}
			}
			for _, source := range sources(t, root) {
				if !exists(filepath.Join(root, source)) {
					t.Errorf("mem.idx names %s, which is not there", source)
				}
			}
			walk(t, root)
		})
	}
}

// sources are the paths in the mount from which mem.idx says that bytes come.
func sources(t *testing.T, root string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(root, "procs", "*", "mem.idx"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range all {
		for _, line := range lines(read(t, name)) {
			seen[strings.Split(line, "\t")[4]] = true
		}
	}
	delete(seen, "-")
	return slices.Sorted(maps.Keys(seen))
}

// checkRefusal checks that a mount was refused in one line that names one of
// the given things, and left nothing.
func checkRefusal(t *testing.T, m *mounted, r result, says []string) {
	t.Helper()
	named := slices.ContainsFunc(says, func(s string) bool { return strings.Contains(r.stderr, s) })
	if r.code != 1 || len(lines(r.stderr)) != 1 || !named {
		t.Errorf("mount = %d, %q, want 1 and one line that names one of %q", r.code, r.stderr, says)
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
		{"containerd/ck-all.tar.zst", "containerd/truth.tar.zst"},
		{"containerd/tasks-image-path.tar.zst", "containerd/truth.tar.zst"},
		{"docker/docker-container-dir.tar.zst", "docker/truth.tar.zst"},
		{"docker/docker-cp1.tar.zst", "docker/truth.tar.zst"},
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
					if errors.Is(err, syscall.EIO) && expected[row.archive] != "" {
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

// 70,011 mappings are listed in full.
func TestManyMappings(t *testing.T) {
	root := mount(t, testdata("vmas", "vmas.tar.zst"))
	n := len(parseMaps(t, read(t, root, "procs", "2041", "maps")))
	stretches := lines(output(t, "find", filepath.Join(root, "procs", "2041", "mem.d"), "-type", "f", "-size", "+0"))
	if n < 70000 || len(stretches) == 0 {
		t.Errorf("%d mappings and %d stretches, want at least 70,000 and some", n, len(stretches))
	}
}
