package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"github.com/shirou/gopsutil/v4/common"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// hostileComm looks like the end of a name in stat, and colours terminals.
const hostileComm = "a) R 1\n\x1b[31m"

// hostileArgs are a program's arguments that break lines, quotes and encodings.
var hostileArgs = []string{"two\nlines", `"double" 'single' \back`, "\xff\xfe not UTF-8 \xc3", "\x1b]0;title\x07", "", "tab\tand\rreturn", "\u202egnp.exe"}

// A process whose name and arguments are hostile is shown as the kernel shows
// it, by the kernel's own files and by whatever reads them: here beside a live
// process of the same name, arguments and PID.
func TestHostileNames(t *testing.T) {
	require(t, "fuse", "python3", "python3-psutil", "ps", "pstree", "pgrep")
	live := startHostile(t)
	pid := fmt.Sprint(live)
	archive := filepath.Join(t.TempDir(), "hostile.tar")
	check(t, os.WriteFile(archive, hostileCheckpoint(live, read(t, "/proc", pid, "cmdline")), 0o644))
	procs := filepath.Join(mount(t, archive), "procs")

	for _, file := range []string{"comm", "cmdline", "task/" + pid + "/comm"} {
		if got, want := read(t, procs, pid, file), read(t, "/proc", pid, file); got != want {
			t.Errorf("%s = %q, want the kernel's %q", file, got, want)
		}
	}
	beginning := func(dir string) string {
		stat := read(t, dir, pid, "stat")
		return stat[:strings.LastIndexByte(stat, ')')]
	}
	if got, want := beginning(procs), beginning("/proc"); got != want {
		t.Errorf("stat = %q..., want the kernel's %q...", got, want)
	}
	if got, want := lines(read(t, procs, pid, "status"))[0], lines(read(t, "/proc", pid, "status"))[0]; got != want {
		t.Errorf("status = %q, want the kernel's %q", got, want)
	}

	for _, command := range [][]string{
		{"ps", "-o", "pid=,comm=,args=", "-p", pid},
		{"ps", "-ww", "-o", "ucmd=", "-p", pid},
		{"pstree", "-pal", pid},
		{"pgrep", "-a", `a\) R 1`},
		{"pgrep", "-lf", "gnp.exe"},
	} {
		// How wide a column of PIDs is depends on the greatest there can be.
		want := strings.TrimLeft(tool(t, "", command...), " ")
		if got := strings.TrimLeft(tool(t, archive, command...), " "); got != want || !strings.Contains(want, "R 1") && !strings.Contains(want, "python3") {
			t.Errorf("%q prints\n%q, want what it prints of the live process\n%q", command, got, want)
		}
	}
	hostileLibraries(t, procs, live)
}

// startHostile starts a process of that name and arguments and returns its PID.
func startHostile(t *testing.T) int {
	t.Helper()
	script := fmt.Sprintf(`open("/proc/self/comm","wb").write(bytes.fromhex("%x")); print(flush=True); import time; time.sleep(300)`, hostileComm)
	cmd := exec.Command("/usr/bin/python3", append([]string{"-c", script}, hostileArgs...)...)
	cmd.Dir = "/"
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// hostileCheckpoint is an archive with one process, of that PID and command
// line.
func hostileCheckpoint(pid int, cmdline string) []byte {
	const start, length = 0x7ffc00000000, 0x10000
	return decodertest.Checkpoint{Files: map[uint32]string{1: "/a"}, Processes: []decodertest.Process{{
		PID: pid, Comm: hostileComm,
		VMAs: []decodertest.VMA{{Start: start, End: start + length, Prot: decoder.ProtRead | decoder.ProtWrite}},
		Runs: []decodertest.Run{{Addr: start, Pages: 1, Flags: criu.PagePresent, Data: append([]byte(cmdline), make([]byte, 4096-len(cmdline))...)}},
		Args: decoder.Range{Start: start, End: start + decoder.Addr(len(cmdline))},
	}}}.Tar()
}

// tool prints what a command prints: under ckptfs exec, or of this machine
// where archive is empty.
func tool(t *testing.T, archive string, command ...string) string {
	t.Helper()
	if archive != "" {
		command = append([]string{program(t), "exec", archive, "--"}, command...)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "COLUMNS=1000", "TERM=dumb")
	r := runCmd(t, commandLimit, cmd)
	if r.code != 0 || r.stderr != "" {
		t.Errorf("%q: exit status %d, stderr %q", command, r.code, r.stderr)
	}
	return r.stdout
}

// hostileLibraries compares what libraries say of the process in procs and of
// the live one.
func hostileLibraries(t *testing.T, procs string, pid int) {
	t.Helper()
	prometheus := func(root string) []string {
		fs, err := procfs.NewFS(root)
		check(t, err)
		p, err := fs.Proc(pid)
		check(t, err)
		stat, err := p.Stat()
		check(t, err)
		status, err := p.NewStatus()
		check(t, err)
		args, err := p.CmdLine()
		check(t, err)
		return append(args, stat.Comm, status.Name)
	}
	if got, want := prometheus(procs), prometheus("/proc"); !slices.Equal(got, want) {
		t.Errorf("procfs: %q, want %q", got, want)
	}
	gopsutil := func(root string) []string {
		ctx := context.WithValue(t.Context(), common.EnvKey, common.EnvMap{common.HostProcEnvKey: root})
		p := &process.Process{Pid: int32(pid)}
		name, err := p.NameWithContext(ctx)
		check(t, err)
		args, err := p.CmdlineSliceWithContext(ctx)
		check(t, err)
		return append(args, name)
	}
	if got, want := gopsutil(procs), gopsutil("/proc"); !slices.Equal(got, want) {
		t.Errorf("gopsutil: %q, want %q", got, want)
	}
	psutil := func(root string) []byte {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "/usr/bin/python3", "-c",
			`import psutil, sys; psutil.PROCFS_PATH = sys.argv[1]; p = psutil.Process(int(sys.argv[2])); print(ascii([p.name(), p.cmdline(), p.ppid() >= 0]))`,
			root, fmt.Sprint(pid)).Output()
		check(t, err)
		return out
	}
	if got, want := psutil(procs), psutil("/proc"); !bytes.Equal(got, want) {
		t.Errorf("psutil: %s, want %s", got, want)
	}
}
