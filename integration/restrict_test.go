package integration

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// keeper is the process that a mount tells of, and server its child, which
// answers the kernel.
func (m *mounted) keeper(t *testing.T) int {
	t.Helper()
	require(t, "getfattr")
	out, err := m.command("getfattr", "--absolute-names", "--only-values", "-n", "user.ckptfs.pid", m.point).Output()
	check(t, err)
	pid, err := strconv.Atoi(string(out))
	check(t, err)
	return pid
}

func (m *mounted) server(t *testing.T) int {
	t.Helper()
	return child(t, m.keeper(t))
}

// traced is what processes do from now on, until they have ended.
func traced(t *testing.T, pids []int, args ...string) (wait func() []string) {
	t.Helper()
	require(t, "strace")
	log := filepath.Join(t.TempDir(), "strace")
	args = append(args, "-f", "-y", "-o", log)
	for _, pid := range pids {
		args = append(args, "-p", fmt.Sprint(pid))
	}
	cmd := exec.Command("strace", args...)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	for attached, in := 0, bufio.NewScanner(stderr); attached < len(pids); attached++ {
		if !in.Scan() || !strings.Contains(in.Text(), "attached") {
			t.Fatalf("strace: %q", in.Text())
		}
	}
	return func() []string {
		check(t, cmd.Wait())
		return lines(read(t, log))
	}
}

// Lines of strace -f -y: a call may be cut in two by another thread's.
var (
	traceCall   = regexp.MustCompile(`^\d+ +(?:<\.\.\. )?(\w+)[( ]`)
	traceResult = regexp.MustCompile(`\) += \d+<(/[^>]*)>`)
)

// refused is what the C library of a program with cgo tries, to count the
// processors, and does without.
var refused = regexp.MustCompile(`"/(proc/stat|sys/devices/system/cpu/online)".* = -1 EACCES`)

// look is what somebody may do who looks around in a checkpoint.
const look = `
	find . -ls
	ls -lR .
	getfattr -R -P -h -d -m - procs archive recovered
	find . -type f -size -1024k ! -path './cores/*' -print0 | xargs -0 cat
	grep -rc root procs/1/mem.d
	gdb --batch -nx -ex bt --core cores/core.1
	sha256sum recovered/*
`

// While somebody looks around, the mount's processes open nothing but files of
// the archives, for reading, and nameless ones in the spool, and change nothing.
func TestOpensNothingElse(t *testing.T) {
	require(t, "fuse", "find", "getfattr", "gdb", "grep", "sha256sum")
	pre, final, image := unpackedOnce(t, "predump", "pre.tar.zst"), unpackedOnce(t, "predump", "final.tar.zst"), unpackedOnce(t, "predump", "sysroot.tar.zst")
	many := manyOf(t, "zoo-1.tar", "counter-1.tar")
	unpack(t, testdata("zoo", "checkpoint.tar.zst"), mkdir(t, many, "unpacked"))
	for _, row := range []struct {
		name    string
		archive string
		options []string
		dirs    []string // below which it may read
		top     string   // of a checkpoint in the mount
	}{
		{"packed", testdata("zoo", "checkpoint.tar.zst"), nil, nil, ""},
		{"directory", unpackedOnce(t, "zoo", "checkpoint.tar.zst"), nil, []string{unpackedOnce(t, "zoo", "checkpoint.tar.zst")}, ""},
		{"parent and rootfs", final, []string{"--parent", pre, "--rootfs", image}, []string{final, pre, image}, ""},
		{"many", many, nil, []string{many}, "zoo-1.tar"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := newMount(t.TempDir())
			check(t, err)
			m.start(t, program(t), row.archive, row.options...)
			trace := traced(t, []int{m.keeper(t), m.server(t)}, "-e", "trace=%file,%network")
			shell(t, m.point, "find . -ls >/dev/null; cd ./"+row.top+"; { "+look+" } >/dev/null 2>&1 || true")
			m.stop(t)
			within := func(path string, dirs ...string) bool {
				return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(path+"/", dir+"/") })
			}
			opened := 0
			for _, line := range trace() {
				call := traceCall.FindStringSubmatch(line)
				if call == nil {
					continue // a signal, or the end of a thread
				}
				result := traceResult.FindStringSubmatch(line)
				spool := result != nil && within(result[1], m.spool) || strings.Contains(line, fmt.Sprintf("%q, O_RDWR|O_CLOEXEC|O_TMPFILE", m.spool))
				switch call[1] {
				case "openat":
					if refused.MatchString(line) {
						continue
					}
					opened++
					if strings.Contains(line, " = -1 ") || result != nil && !spool && !within(result[1], row.dirs...) {
						t.Errorf("it opens what is not of the archive: %s", line)
					}
					if !spool && regexp.MustCompile("O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND").MatchString(line) {
						t.Errorf("it opens for writing what is not the spool: %s", line)
					}
				case "newfstatat", "statfs", "readlinkat": // these open nothing
				case "sendmsg", "recvmsg": // between keeper and server
				default:
					t.Errorf("not a thing to do for a mount: %s", line)
				}
			}
			if opened == 0 {
				t.Error("nothing was opened: the look saw nothing")
			}
		})
	}
}

// A server that is made to open something else, by a change of the path in the
// very moment of the call, is refused by the kernel. The same change to a path
// in the archive goes through.
func TestLandlock(t *testing.T) {
	require(t, "fuse")
	for path, want := range map[string]string{
		"/etc": "= -1 EACCES",
		".":    "= [0-9]+<",
	} {
		m, err := newMount(t.TempDir())
		check(t, err)
		m.start(t, program(t), unpackedOnce(t, "zoo", "checkpoint.tar.zst"))
		for _, task := range names(t, fmt.Sprintf("/proc/%d/task", m.server(t))) {
			if got := read(t, "/proc", task, "status"); !strings.Contains(got, "NoNewPrivs:\t1\n") {
				t.Errorf("thread %s of the server may gain rights", task)
			}
		}
		poke := fmt.Sprintf("inject=openat:poke_enter=@arg2=%x00", path)
		trace := traced(t, []int{m.server(t)}, "-e", "trace=openat", "-e", poke)
		// No page is read before somebody asks for it, so this opens a file.
		run(t, "head", "-c1", filepath.Join(m.point, "archive/checkpoint/pages-1.img"))
		m.stop(t)
		got := strings.Join(trace(), "\n")
		if !regexp.MustCompile(`"` + regexp.QuoteMeta(path) + `".*` + want).MatchString(got) {
			t.Errorf("opening %s:\n%s\nwant %s", path, got, want)
		}
	}
}

// The other commands that read archives restrict themselves too.
func TestRestrictedCommands(t *testing.T) {
	require(t, "strace")
	archive := testdata("zoo", "checkpoint.tar.zst")
	for _, args := range [][]string{
		{"show", archive},
		{"list", manyOf(t, "zoo-1.tar")},
		{"core", "-o", filepath.Join(t.TempDir(), "core"), archive, "1"},
		{"exec", archive, "--", "true"},
	} {
		log := filepath.Join(t.TempDir(), "strace")
		strace := append([]string{"-f", "-o", log, "-e", "trace=landlock_restrict_self", program(t)}, args...)
		if r := run(t, "strace", strace...); r.code != 0 {
			t.Errorf("ckptfs %v = %d, %q", args, r.code, r.stderr)
		}
		if got := read(t, log); !regexp.MustCompile(`landlock_restrict_self\(.*= 0`).MatchString(got) {
			t.Errorf("ckptfs %v does not restrict itself:\n%s", args, got)
		}
	}
}

// The command of exec is not restricted: what it runs may gain rights as ever.
func TestExecCommandUnrestricted(t *testing.T) {
	require(t, "setpriv")
	if got := execZoo(t, `setpriv --dump`).stdout; !strings.Contains(got, "no_new_privs: 0\n") {
		t.Errorf("setpriv --dump = %q, want no_new_privs 0", got)
	}
}
