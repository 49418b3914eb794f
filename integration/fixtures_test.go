package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// full are the fixtures whose live processes were recorded in full and that
// every test of the mounted tree runs on.
var full = []string{"counter", "zoo"}

// testdata returns the path of a file in testdata.
func testdata(parts ...string) string {
	path, err := filepath.Abs(filepath.Join(append([]string{"testdata"}, parts...)...))
	if err != nil {
		panic(err)
	}
	return path
}

// unpack unpacks a tar.zst into dir.
func unpack(t testing.TB, archive, dir string) {
	t.Helper()
	require(t, "zstd", "tar")
	output(t, "tar", "--zstd", "-xf", archive, "-C", dir)
}

// plain returns archive, a tar.zst, expanded to a plain tar.
func plain(t testing.TB, archive string) string {
	t.Helper()
	require(t, "zstd")
	path := filepath.Join(t.TempDir(), "plain.tar")
	output(t, "zstd", "-dqf", archive, "-o", path)
	return path
}

var unpacked struct {
	sync.Mutex
	dirs map[string]string
}

// unpackedOnce returns a folder with the content of a tar.zst in testdata,
// unpacked once a run. Nobody writes there.
func unpackedOnce(t testing.TB, parts ...string) string {
	t.Helper()
	name := filepath.Join(parts...)
	unpacked.Lock()
	defer unpacked.Unlock()
	if dir, ok := unpacked.dirs[name]; ok {
		return dir
	}
	dir, err := os.MkdirTemp(scratch, strings.ReplaceAll(name, "/", "-")+"-")
	if err != nil {
		t.Fatal(err)
	}
	unpack(t, testdata(name), dir)
	if unpacked.dirs == nil {
		unpacked.dirs = map[string]string{}
	}
	unpacked.dirs[name] = dir
	return dir
}

// truth returns the folder with the record of a fixture's live processes.
func truth(t testing.TB, fixture string) string {
	return unpackedOnce(t, fixture, "truth.tar.zst")
}

// sysroot returns the folder with the files that a fixture's processes map.
func sysroot(t testing.TB, fixture string) string {
	return unpackedOnce(t, fixture, "sysroot.tar.zst")
}

// contents returns the folder with a fixture's unpacked archive.
func contents(t testing.TB, fixture string) string {
	return unpackedOnce(t, fixture, "checkpoint.tar.zst")
}

// pids returns the numbers among the entries of dir, ascending.
func pids(t testing.TB, dir string) []int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// read returns a file's content, and fails the test where it cannot.
func read(t testing.TB, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// lines splits text into lines without their ends.
func lines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// shell runs a script with bash in dir and returns what it printed. The script
// must succeed and say nothing on standard error.
func shell(t testing.TB, dir, script string) string {
	t.Helper()
	r := runCmd(t, 2*commandLimit, bash(dir, script))
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%s\nexit status %d, stderr %q\n%s", script, r.code, r.stderr, r.stdout)
	}
	return r.stdout
}

// bash prepares to run a script in dir.
func bash(dir, script string) *exec.Cmd {
	cmd := exec.Command("bash", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	return cmd
}
