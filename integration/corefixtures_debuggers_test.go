package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// lldb lists five threads, and names the function of the one that is in the
// program itself.
func TestLLDBThreads(t *testing.T) {
	f := coreFixtureNamed(t, "b")
	got := lldb(t, f.program(t), f.shown(t), "thread list")
	for i, want := range []string{
		`\* thread #1: tid = 19309,`, `  thread #2: tid = 19311,`, `  thread #3: tid = 19312,`,
		"  thread #4: tid = 19313, 0x[0-9a-f]+ b`t_spin", `  thread #5: tid = 19314,`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(got) {
			t.Errorf("thread list prints no thread %d as %s:\n%s", i+1, want, got)
		}
	}
	if n := strings.Count(got, "thread #"); n != 5 {
		t.Errorf("thread list prints %d threads, want 5:\n%s", n, got)
	}
}

// lldb runs lldb on a core file and returns what it prints.
func lldb(t testing.TB, exe, core, command string) string {
	t.Helper()
	require(t, "lldb")
	return output(t, "lldb", "--batch", "--no-lldbinit", "-o", command, "-c", core, exe)
}

// functionsOfB are those of the program in which b's threads are, by thread.
var functionsOfB = map[string]string{
	"19309": "main", "19311": "t_futex", "19312": "t_mutex", "19313": "t_spin", "19314": "t_sig",
}

// eu-stack, given the executable, unwinds from the C library into it. It takes
// the library from this host; where that is another one, it can tell only of
// the thread that is not in it.
func TestEuStack(t *testing.T) {
	require(t, "eu-readelf") // the same package
	f := coreFixtureNamed(t, "b")
	stacks := euStacks(t, "-e", f.program(t), "--core", f.shown(t))
	if len(stacks) != len(functionsOfB) {
		t.Errorf("eu-stack prints %d threads, want %d", len(stacks), len(functionsOfB))
	}
	libc := "/usr/lib/x86_64-linux-gnu/libc.so.6"
	ours := isBuiltAs(t, libc, filepath.Join(sysroot(t, "zoo"), libc))
	for tid, function := range functionsOfB {
		if (ours || tid == "19313") && !slices.Contains(stacks[tid], function) {
			t.Errorf("eu-stack: thread %s is in %q, want %s", tid, stacks[tid], function)
		}
	}
}

// isBuiltAs reports whether a file is there and is the other.
func isBuiltAs(t testing.TB, name, other string) bool {
	t.Helper()
	b, err := os.ReadFile(name)
	return err == nil && string(b) == read(t, other)
}

// With the files of the image the core file names their build-ids, so that
// eu-stack finds even the executable by itself, and none of this host's.
func TestEuStackByBuildID(t *testing.T) {
	require(t, "eu-readelf") // the same package
	f := coreFixtureNamed(t, "b")
	image := t.TempDir()
	check(t, os.CopyFS(image, os.DirFS(sysroot(t, "zoo"))))
	for _, m := range parseMaps(t, read(t, f.path(t, "maps"))) {
		if filepath.Base(m.name) == filepath.Base(f.exe) {
			check(t, os.MkdirAll(filepath.Join(image, filepath.Dir(m.name)), 0o755))
			b, err := os.ReadFile(f.program(t))
			check(t, err)
			check(t, os.WriteFile(filepath.Join(image, m.name), b, 0o755))
			break
		}
	}
	core := f.written(t, "--rootfs", image)
	ids := t.TempDir()
	root := mount(t, f.path(t, f.images), "--rootfs", image)
	for _, line := range lines(read(t, root, "procs", "19309", "build-ids")) {
		words := strings.Fields(line) // START+SIZE BUILDID - - PATH
		dir := filepath.Join(ids, ".build-id", words[1][:2])
		check(t, os.MkdirAll(dir, 0o755))
		check(t, os.Symlink(filepath.Join(image, words[4]), filepath.Join(dir, words[1][2:])))
	}
	stacks := euStacks(t, "--debuginfo-path="+ids, "--core", core)
	for tid, function := range functionsOfB {
		if !slices.Contains(stacks[tid], function) {
			t.Errorf("eu-stack: thread %s is in %q, want %s", tid, stacks[tid], function)
		}
	}
}

// euStacks returns the functions of each thread's stack. That eu-stack does
// not reach the end of one is not an error.
func euStacks(t testing.TB, args ...string) map[string][]string {
	t.Helper()
	stacks := make(map[string][]string)
	var tid string
	for _, line := range lines(run(t, "eu-stack", args...).stdout) {
		if rest, ok := strings.CutPrefix(line, "TID "); ok {
			tid = strings.TrimSuffix(rest, ":")
			stacks[tid] = nil
		} else if words := strings.Fields(line); strings.HasPrefix(line, "#") && len(words) > 2 {
			stacks[tid] = append(stacks[tid], words[2])
		}
	}
	return stacks
}

// delve sees in every core file the functions that it sees in the kernel's.
func TestDelve(t *testing.T) {
	for _, row := range []struct {
		fixture, thread string
		begin           []string // with what is named first, in the list and in the stack
	}{
		{"a", "19128", []string{"spin", "spin", "level2", "level1", "main"}},
		{"b", "19313", []string{"t_spin", "t_spin"}},
		{"aarch64", "165", []string{"spin"}}, // delve 1.20 does not know an instruction of the stack's description
	} {
		t.Run(row.fixture, func(t *testing.T) {
			f := coreFixtureNamed(t, row.fixture)
			want := delveFunctions(t, f.program(t), f.kernels(t), row.thread)
			got := delveFunctions(t, f.program(t), f.shown(t), row.thread)
			if !slices.Equal(got, want) || len(got) < len(row.begin) || !slices.Equal(got[:len(row.begin)], row.begin) {
				t.Errorf("functions = %q, want those in the kernel's core file %q, and first %q", got, want, row.begin)
			}
		})
	}
}

// inC is a function as delve names it.
var inC = regexp.MustCompile(` C\.(\w+)`)

// delveFunctions returns the functions in delve's list of threads and in the
// stack of one of them.
func delveFunctions(t testing.TB, exe, core, thread string) []string {
	t.Helper()
	require(t, "dlv")
	cmd := exec.Command("dlv", "--allow-non-terminal-interactive=true", "core", exe, core)
	cmd.Stdin = strings.NewReader("threads\nthread " + thread + "\nbt\nquit\n")
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir()) // where it would write a configuration
	var functions []string
	for _, m := range inC.FindAllStringSubmatch(runCmd(t, commandLimit, cmd).stdout, -1) {
		functions = append(functions, m[1])
	}
	return functions
}

// gdb and lldb find their way through 70,010 segments.
func TestBacktraceOfManySegments(t *testing.T) {
	require(t, "gdb")
	core := filepath.Join(mountedOnce(t, testdata(vmas)), "cores/core.2041")
	exe := filepath.Join(sysroot(t, "vmas"), "usr/bin/vmas")
	if got := output(t, "gdb", append(gdbOptions(sysroot(t, "vmas")), "--core", core, "--se", exe, "-ex", "bt")...); !strings.Contains(got, " in main (") {
		t.Errorf("gdb's bt has no main:\n%s", got)
	}
	if got := lldb(t, exe, core, "bt"); !strings.Contains(got, "`main ") {
		t.Errorf("lldb's bt has no main:\n%s", got)
	}
}
