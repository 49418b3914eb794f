package integration

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// gdb16 returns the command that runs gdb 16.
var gdb16 = sync.OnceValues(func() (string, error) {
	command, err := filepath.Abs("../scripts/gdb16")
	if err != nil {
		return "", err
	}
	return command, exec.Command(command, "--version").Run()
})

// gdbCommand returns the command that runs a gdb: "gdb", "gdb16" or
// "gdb-multiarch".
func gdbCommand(t testing.TB, name string) string {
	t.Helper()
	require(t, name)
	if name == "gdb16" {
		name, _ = gdb16()
	}
	return name
}

// debuggee is a process in a mount, and what a debugger is given with it.
type debuggee struct {
	root   string // the mount
	pid    int
	record string // of the live process
	files  string // those of the container's image, or some of them
}

// core returns the name of the process's core file.
func (d debuggee) core() string {
	return filepath.Join(d.root, "cores", fmt.Sprintf("core.%d", d.pid))
}

// program returns the name of the process's program, and "" where the image
// has none: when it was deleted, or never was in a file system.
func (d debuggee) program(t testing.TB) string {
	t.Helper()
	name := filepath.Join(d.files, strings.TrimSpace(read(t, d.record, "exe.link")))
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return name
}

// gdbs returns the gdbs that read the core file.
func (d debuggee) gdbs(t testing.TB) []string {
	t.Helper()
	if d.machine(t) == elf.EM_AARCH64 {
		return []string{"gdb-multiarch"}
	}
	return []string{"gdb", "gdb16"}
}

// gdb runs a gdb on the core file with the given commands and returns what it
// prints. A complaint fails the test.
func (d debuggee) gdb(t testing.TB, gdb string, commands ...string) string {
	t.Helper()
	args := append(gdbOptions(d.files),
		"-iex", "set debug-file-directory "+libcSymbols(t),
		"-iex", "set print frame-info location-and-address", // also of a frame where a line begins
		"--core", d.core(),
	)
	if exe := d.program(t); exe != "" {
		args = append(args, "--se", exe)
	}
	for _, c := range commands {
		args = append(args, "-ex", c)
	}
	r := run(t, gdbCommand(t, gdb), args...)
	if r.code != 0 {
		t.Fatalf("%s %v = exit status %d: %s", gdb, args, r.code, r.stderr)
	}
	for _, line := range lines(r.stdout + r.stderr) {
		if complaint.MatchString(line) && !d.harmless(t, line) {
			t.Errorf("%s on %s: %s", gdb, d.core(), line)
		}
	}
	return r.stdout
}

// gdbOptions let gdb take all that it does not find in the core file from
// sysroot, and nothing from this host or the network.
func gdbOptions(sysroot string) []string {
	return []string{
		"--batch", "-nx",
		"-iex", "set auto-load no", "-iex", "set debuginfod enabled off", "-iex", "set width 0",
		"-iex", "set sysroot " + sysroot,
	}
}

func (d debuggee) machine(t testing.TB) elf.Machine {
	t.Helper()
	f, err := elf.Open(d.core())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Machine
}

// gdb runs gdb on a core file of a fixture's shared mount.
func gdb(t testing.TB, fixture string, pid int, commands ...string) string {
	t.Helper()
	record := filepath.Join(truth(t, fixture), fmt.Sprint(pid))
	return debuggee{sharedMount(t, fixture), pid, record, debugRoot(t, fixture)}.gdb(t, "gdb", commands...)
}

var complaint = regexp.MustCompile(`(?i)warning|malformed|unexpected size|error|cannot access|unable|core file may not match`)

var (
	// missingFile is what gdb says of a mapped file that it does not find, for
	// whatever core file: memfds, SysV shared memory and deleted files have no
	// name under which a sysroot could hold them.
	missingFile = regexp.MustCompile(`Can't open file .* during file-backed mapping note processing`)
	// missingLibrary is what it says of a library.
	missingLibrary = regexp.MustCompile(`Could not load shared library symbols for \d+ libraries`)
	// foreignThreads is what it says where this machine's libthread_db is of
	// another glibc than the program.
	foreignThreads = regexp.MustCompile(`Unable to find libthread_db matching inferior's thread library`)
)

// harmless reports whether gdb would say the same of the kernel's own core file:
// of a mapped file that has no name any more, of libraries that it was not
// given, of a process whose comm is not the base name of its program, of a
// program that was unpacked after the checkpoint; or said it of the live process.
func (d debuggee) harmless(t testing.TB, line string) bool {
	t.Helper()
	renamed := read(t, d.record, "comm") != filepath.Base(read(t, d.record, "exe.link"))
	live, _ := os.ReadFile(filepath.Join(d.record, "gdb.txt"))
	return missingFile.MatchString(line) || foreignThreads.MatchString(line) ||
		missingLibrary.MatchString(line) && !d.hasLibraries() ||
		renamed && strings.Contains(line, "core file may not match specified executable file") ||
		strings.Contains(line, "exec file is newer than core file") ||
		strings.Contains(string(live), line+"\n")
}

func (d debuggee) hasLibraries() bool {
	_, err := os.Stat(filepath.Join(d.files, "usr/lib"))
	return err == nil
}

// debugRoot returns the fixture's sysroot with the links that an image has and
// that no process maps: the dynamic linker's name, and libraries by soname.
func debugRoot(t testing.TB, fixture string) string {
	t.Helper()
	dir := sysroot(t, fixture)
	linker := "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
	if _, err := os.Stat(filepath.Join(dir, linker)); errors.Is(err, os.ErrNotExist) {
		return dir // the one file of a static program
	}
	links := map[string]string{"usr/lib64/ld-linux-x86-64.so.2": filepath.Join("../..", linker)}
	libraries, err := filepath.Glob(filepath.Join(dir, "usr/lib/x86_64-linux-gnu/lib*.so.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range libraries {
		f, err := elf.Open(library)
		if err != nil {
			t.Fatal(err)
		}
		names, err := f.DynString(elf.DT_SONAME)
		f.Close()
		if err == nil && len(names) == 1 {
			links[filepath.Join("usr/lib/x86_64-linux-gnu", names[0])] = filepath.Base(library)
		}
	}
	for name, target := range links {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, name); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	return dir
}
