package integration

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// coreFixture is a program whose memory and registers are known: CRIU's images
// of it, and the kernel's own core file of the same process.
type coreFixture struct {
	name   string
	images string // the archive, in the fixture's folder
	exe    string // in that folder too, or in bin.tar.zst
}

var coreFixtures = []coreFixture{
	{"a", "img", "bin/a"},
	{"b", "img", "bin/b"},
	{"c2-criu42", "img", "bin/c2"},
	{"gu-criu42", "img", "bin/gu"},
	{"x86-incremental", "i", "w_x"}, // i/3, by its link i/2, by its link i/1
	{"aarch64", "img", "sysroot/w/w_arm"},
}

// coreFixtureNamed returns the fixture of that name.
func coreFixtureNamed(t testing.TB, name string) coreFixture {
	t.Helper()
	for _, f := range coreFixtures {
		if f.name == name {
			return f
		}
	}
	t.Fatalf("there is no fixture %s", name)
	return coreFixture{}
}

// path returns the path of a file in the fixture's folder.
func (f coreFixture) path(t testing.TB, parts ...string) string {
	t.Helper()
	dir := filepath.Join(unpackedOnce(t, "cores", f.name+".tar.zst"), f.name)
	return filepath.Join(append([]string{dir}, parts...)...)
}

// program returns the path of the executable.
func (f coreFixture) program(t testing.TB) string {
	t.Helper()
	if strings.HasPrefix(f.exe, "bin/") {
		return filepath.Join(unpackedOnce(t, "cores", "bin.tar.zst"), f.exe)
	}
	return f.path(t, f.exe)
}

func (f coreFixture) pid(t testing.TB) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, f.path(t, "pid"))))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// kernels returns the kernel's core file.
func (f coreFixture) kernels(t testing.TB) string { return f.path(t, "kcore") }

// shown returns the core file in a mount.
func (f coreFixture) shown(t testing.TB) string {
	t.Helper()
	return filepath.Join(mountedOnce(t, f.path(t, f.images)), "cores", fmt.Sprintf("core.%d", f.pid(t)))
}

// written returns the core file that ckptfs core writes.
func (f coreFixture) written(t testing.TB, options ...string) string {
	t.Helper()
	core := filepath.Join(t.TempDir(), fmt.Sprintf("core.%d", f.pid(t)))
	args := append([]string{"core", "-o", core}, options...)
	output(t, program(t), append(args, f.path(t, f.images), fmt.Sprint(f.pid(t)))...)
	return core
}

// eachFixtureCore runs a test on both core files of every fixture.
func eachFixtureCore(t *testing.T, test func(t *testing.T, f coreFixture, core string)) {
	for _, f := range coreFixtures {
		t.Run(f.name+"/shown", func(t *testing.T) { test(t, f, f.shown(t)) })
		t.Run(f.name+"/written", func(t *testing.T) { test(t, f, f.written(t)) })
	}
}

// The mount shows the very core file that ckptfs core writes, and misses
// nothing.
func TestShownCoreIsTheWrittenOne(t *testing.T) {
	for _, f := range coreFixtures {
		t.Run(f.name, func(t *testing.T) {
			output(t, "cmp", f.shown(t), f.written(t))
			if got := read(t, mountedOnce(t, f.path(t, f.images)), "warnings"); got != "" {
				t.Errorf("warnings = %q, want none", got)
			}
		})
	}
}

// Parents are found by the links in the archive, or given by option, and make
// the same core file.
func TestCoreOfGivenParents(t *testing.T) {
	linked := coreFixtureNamed(t, "x86-incremental")
	given := linked
	given.images = "i/3"
	parents := []string{"--parent", linked.path(t, "i/2"), "--parent", linked.path(t, "i/1")}
	root := mount(t, given.path(t, given.images), parents...)
	output(t, "cmp", linked.shown(t), filepath.Join(root, "cores", fmt.Sprintf("core.%d", given.pid(t))))
	output(t, "cmp", linked.shown(t), given.written(t, parents...))
	if got := read(t, root, "warnings"); got != "" {
		t.Errorf("warnings = %q, want none", got)
	}
}
