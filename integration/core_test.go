package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ckptfs core writes what the mount shows, with its holes, and to a pipe
// without them.
func TestCoreCommand(t *testing.T) {
	for _, row := range []struct {
		fixture string
		pid     int
	}{{"zoo", 1}, {"zoo", 12}, {"counter", 7}} {
		t.Run(fmt.Sprintf("%s/%d", row.fixture, row.pid), func(t *testing.T) {
			archive := testdata(row.fixture, "checkpoint.tar.zst")
			shown := filepath.Join(sharedMount(t, row.fixture), "procs", fmt.Sprint(row.pid), "core")
			written := filepath.Join(t.TempDir(), "core")
			output(t, program(t), "core", archive, fmt.Sprint(row.pid), "-o", written)
			output(t, "cmp", shown, written)
			output(t, "bash", "-c", `"$0" core -o - "$1" "$2" | cmp - "$3"`, program(t), archive, fmt.Sprint(row.pid), written)
			if used, data := usage(t, written), usage(t, shown); used > data+1<<20 {
				t.Errorf("the core file takes %d bytes, want no more than its %d of data", used, data)
			}
		})
	}
}

// usage is how many bytes of disk a file takes, or says that it takes.
func usage(t *testing.T, name string) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func TestCoreCommandRefuses(t *testing.T) {
	zoo := testdata("zoo", "checkpoint.tar.zst")
	for _, row := range []struct {
		archive, pid, says string
		code               int
	}{
		{zoo, "8", "process 8: no core file: the process has no memory", 1}, // a zombie
		{zoo, "99", "it has no process 99", 1},
		{zoo, "one", `"one" is no PID`, 2},
		{zoo, "", "an argument is empty", 2},
		{"", "8", "an argument is empty", 2},
		{testdata("predump", "pre.tar.zst"), "1", "a pre-checkpoint, which has pages and no processes", 1},
	} {
		out := filepath.Join(t.TempDir(), "core")
		got := run(t, program(t), "core", row.archive, row.pid, "-o", out)
		if got.code != row.code || !strings.Contains(got.stderr, row.says) || len(lines(got.stderr)) != 1 {
			t.Errorf("ckptfs core %s = exit status %d, %q, want %d, one line with %q", row.pid, got.code, got.stderr, row.code, row.says)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("ckptfs core %s left a file", row.pid)
		}
	}
}

// A core file that lacks what the checkpoint should have is written, and said
// to lack it.
func TestCoreCommandWarns(t *testing.T) {
	r := run(t, program(t), "core", testdata("predump", "final.tar.zst"), "1", "-o", filepath.Join(t.TempDir(), "core"))
	if r.code != 0 || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "warning: checkpoint/pagemap-1.img: 410 pages are in a parent checkpoint") {
		t.Errorf("ckptfs core without the parent = %d, %q, want 0, one line that says what is missing", r.code, r.stderr)
	}
}

// build-ids says of each file what eu-unstrip finds out from the core, where
// that holds the file's first page.
func TestBuildIDs(t *testing.T) {
	require(t, "eu-readelf")
	root := mount(t, testdata("zoo", "checkpoint.tar.zst"), "--rootfs", testdata("zoo", "sysroot.tar.zst"))
	found := make(map[string]string) // start and build-id as eu-unstrip has them
	for _, line := range lines(output(t, "eu-unstrip", "-n", "--core", filepath.Join(root, "cores/core.1"))) {
		words := strings.Fields(line)
		start, _, _ := strings.Cut(words[0], "+")
		id, _, _ := strings.Cut(words[1], "@")
		found[start] = id
	}
	ours := lines(read(t, root, "procs/1/build-ids"))
	if len(ours) != 3 { // the program, libc and the dynamic linker
		t.Errorf("build-ids has %d lines, want 3", len(ours))
	}
	for _, line := range ours {
		words := strings.Fields(line)
		start, _, _ := strings.Cut(words[0], "+")
		if found[start] != words[1] {
			t.Errorf("build-ids: %q, want build-id %q", line, found[start])
		}
	}
}

// A 32-bit process has a 32-bit core, with the x87 registers that compat.c
// loads before it calls pause(2) for good. TestGDBShowsTheLiveProcess has all
// others.
func TestCoreOf32Bits(t *testing.T) {
	require(t, "gdb", "readelf", "eu-readelf")
	root := mount(t, testdata("compat", "compat.tar.zst"))
	core := filepath.Join(root, "cores/core.1889")
	got := output(t, "gdb", "--batch", "-nx", "-ex", "p $st0", "-ex", "p $st1", "--core", core)
	if !strings.Contains(got, "$1 = 3.14159265358979323851\n$2 = 1\n") {
		t.Errorf("gdb on core.1889 prints\n%s\nwant pi and 1", got)
	}
	for _, tool := range []string{"readelf", "eu-readelf"} {
		if r := run(t, tool, "-a", core); r.code != 0 || r.stderr != "" {
			t.Errorf("%s -a = %d, %q, want 0 and silence", tool, r.code, r.stderr)
		}
	}
}

// What is no regular file is not removed where a core file cannot be written
// to it.
func TestCoreToDevice(t *testing.T) {
	full := filepath.Join(t.TempDir(), "full")
	if err := unix.Mknod(full, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 7))); err != nil {
		t.Fatal(err)
	}
	r := run(t, program(t), "core", testdata("zoo", "checkpoint.tar.zst"), "7", "-o", full)
	if r.code == 0 || !exists(full) {
		t.Errorf("exit status %d, %q; the device is there: %v", r.code, r.stderr, exists(full))
	}
}
