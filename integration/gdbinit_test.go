package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// gdbWithInit opens a process in gdb by its gdbinit, from another folder than
// the mount, and returns all that gdb prints.
func gdbWithInit(t *testing.T, gdb, root string, pid int, commands ...string) string {
	t.Helper()
	args := []string{"--batch", "-nx", "-iex", "set debuginfod enabled off", "-iex", "set width 0"}
	args = append(args, "-x", filepath.Join(root, "procs", fmt.Sprint(pid), "gdbinit"))
	for _, c := range commands {
		args = append(args, "-ex", c)
	}
	r := run(t, gdbCommand(t, gdb), args...)
	if r.code != 0 {
		t.Fatalf("%s %v = exit status %d: %s", gdb, args, r.code, r.stderr)
	}
	return r.stdout + r.stderr
}

// gdbinit gives gdb the executable, the libraries, and the name of each thread.
func TestGDBInit(t *testing.T) {
	for _, gdb := range []string{"gdb", "gdb16"} {
		for _, fixture := range full {
			root := mount(t, testdata(fixture, "checkpoint.tar.zst"), "--rootfs", testdata(fixture, "sysroot.tar.zst"))
			for _, pid := range pids(t, filepath.Join(root, "procs")) {
				t.Run(fmt.Sprintf("%s/%s/%d", gdb, fixture, pid), func(t *testing.T) { checkGDBInit(t, gdb, root, pid) })
			}
		}
	}
}

func checkGDBInit(t *testing.T, gdb, root string, pid int) {
	dir := filepath.Join(root, "procs", fmt.Sprint(pid))
	if !exists(filepath.Join(dir, "core")) {
		if exists(filepath.Join(dir, "gdbinit")) {
			t.Error("a gdbinit and no core file")
		}
		return
	}
	out := gdbWithInit(t, gdb, root, pid, "info threads", "info sharedlibrary", "bt")
	for _, tid := range pids(t, filepath.Join(dir, "task")) {
		comm := strings.TrimSuffix(read(t, dir, "task", fmt.Sprint(tid), "comm"), "\n")
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^[* ] +\d+ .*LWP %d\)? "%s" `, tid, regexp.QuoteMeta(comm))).MatchString(out) {
			t.Errorf("gdb does not list thread %d as %q:\n%s", tid, comm, out)
		}
	}
	exe, err := os.Readlink(filepath.Join(dir, "exe"))
	check(t, err)
	// The programs that ran from a memfd and from a deleted file are static.
	if static := strings.Contains(exe, "/recovered/"); !static && !strings.Contains(out, filepath.Join(root, "rootfs")+"/") {
		t.Errorf("gdb loads no library from rootfs:\n%s", out)
	}
	if !regexp.MustCompile(`(?m)^#\d.* in (main|_start|__libc_start_main|Py_BytesMain|__libc_start_call_main)`).MatchString(out) {
		t.Errorf("gdb's backtrace does not lead to the program:\n%s", out)
	}
}

// Without the container's image gdb must not take this machine's files for
// the container's: it has no library and names no function.
func TestGDBInitWithoutRootfs(t *testing.T) {
	root := sharedMount(t, "zoo")
	for _, gdb := range []string{"gdb", "gdb16"} {
		for _, pid := range []int{1, 7} {
			out := gdbWithInit(t, gdb, root, pid, "info sharedlibrary", "bt")
			if strings.Contains(out, "Yes") || !regexp.MustCompile(`(?m)^#0 +0x[0-9a-f]+ in \?\? \(\)`).MatchString(out) {
				t.Errorf("%s on process %d of zoo, without its image, prints\n%s", gdb, pid, out)
			}
		}
	}
}

// With another build of a library in the image gdb has no library at all,
// rather than that one.
func TestGDBInitWithAnotherBuild(t *testing.T) {
	image := t.TempDir()
	unpack(t, testdata("zoo", "sysroot.tar.zst"), image)
	libc := filepath.Join(image, "usr/lib/x86_64-linux-gnu/libc.so.6")
	writeFile(t, libc, read(t, libc)+"another")
	root := mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", image)
	for _, gdb := range []string{"gdb", "gdb16"} {
		out := gdbWithInit(t, gdb, root, 7, "info sharedlibrary", "bt")
		if regexp.MustCompile(`(?m)^0x.*/rootfs/`).MatchString(out) || !strings.Contains(out, "in spin_with_registers ()") {
			t.Errorf("%s prints\n%s\nwant no library, and the function of the program", gdb, out)
		}
	}
}

// The files of a hostile container hold scripts that gdb would run: where
// debug information is looked for, which gdb trusts, and beside the executable
// and the libraries, which a gdb trusts whose user told it to.
func TestGDBInitRunsNothing(t *testing.T) {
	require(t, "gdb")
	for _, row := range []struct {
		name    string
		place   func(root string) []string // of scripts, in the container
		trusted string                     // auto-load safe-path; "" for gdb's own
	}{
		{"debug information", func(root string) []string { return []string{filepath.Join("usr/lib/debug", root, "zoo")} }, ""},
		{"beside", func(string) []string { return []string{"zoo", "usr/lib/x86_64-linux-gnu/libc.so.6"} }, "/"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := newMount(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			image, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
			unpack(t, testdata("zoo", "sysroot.tar.zst"), image)
			for _, name := range row.place(filepath.Join(m.point, "rootfs")) {
				writeFile(t, filepath.Join(image, name+"-gdb.gdb"), "shell touch "+ran+"\n")
				writeFile(t, filepath.Join(image, name+"-gdb.py"), "open('"+ran+"', 'w')\n")
			}
			m.start(t, program(t), testdata("zoo", "checkpoint.tar.zst"), "--rootfs", image)
			t.Cleanup(func() { m.stop(t) })

			gdbinit := filepath.Join(m.point, "procs/1/gdbinit")
			// The same without the line that forbids it, so that the test can fail.
			lax := filepath.Join(t.TempDir(), "lax")
			writeFile(t, lax, strings.Replace(read(t, gdbinit), "set auto-load off\n", "", 1))
			for _, gdb := range []string{"gdb", "gdb16"} {
				open := func(script string) string {
					args := []string{"--batch", "-nx", "-x", script}
					if row.trusted != "" {
						args = append([]string{"-iex", "set auto-load safe-path " + row.trusted}, args...)
					}
					return output(t, gdbCommand(t, gdb), args...)
				}
				if out := open(gdbinit); exists(ran) {
					t.Errorf("%s ran a script of the container:\n%s", gdb, out)
				}
				if out := open(lax); !exists(ran) {
					t.Errorf("the planted scripts do not even run where %s may:\n%s", gdb, out)
				}
				check(t, os.Remove(ran))
			}
		})
	}
}

// A libthread_db becomes part of gdb. The container's is not looked at, also
// where gdb's user prefers the one beside the program's libraries.
func TestGDBInitLoadsNoLibraryOfTheContainer(t *testing.T) {
	require(t, "gdb")
	image := t.TempDir()
	unpack(t, testdata("zoo", "sysroot.tar.zst"), image)
	writeFile(t, filepath.Join(image, "usr/lib/x86_64-linux-gnu/libthread_db.so.1"), "no library")
	root := mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", image)
	tries := func(script string) bool {
		r := run(t, "gdb", "--batch", "-nx", "-iex", "set debug libthread-db 1", "-iex", "set auto-load safe-path /",
			"-iex", "set libthread-db-search-path $pdir", "-x", script)
		return strings.Contains(r.stderr, filepath.Join(root, "rootfs/lib/x86_64-linux-gnu/libthread_db"))
	}
	gdbinit := filepath.Join(root, "procs/1/gdbinit")
	if tries(gdbinit) {
		t.Error("gdb looks at the container's libthread_db")
	}
	lax := filepath.Join(t.TempDir(), "lax")
	writeFile(t, lax, strings.Replace(read(t, gdbinit), "set libthread-db-search-path $sdir\n", "", 1))
	if !tries(lax) {
		t.Error("gdb does not look at the container's libthread_db even where it may")
	}
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
