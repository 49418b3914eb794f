package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/utsns"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// newExec prepares `ckptfs exec` on a fixture, with what tools make of their
// surroundings pinned. Whatever is left when the test ends fails it.
func newExec(t testing.TB, user *otherUser, archive string, command ...string) *exec.Cmd {
	t.Helper()
	require(t, "fuse")
	dir, err := os.MkdirTemp(scratch, "exec-")
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMount(dir)
	if err != nil {
		t.Fatal(err)
	}
	if user != nil {
		m.user = user
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(m.spool, user.uid, user.uid)); err != nil {
			t.Fatal(err)
		}
	}
	before := read(t, "/proc/self/mountinfo")
	t.Cleanup(func() {
		if err := m.leftovers(); err != nil {
			t.Errorf("%v: %v", command, err)
		}
		if after := read(t, "/proc/self/mountinfo"); strings.Count(after, archive) != strings.Count(before, archive) {
			t.Errorf("%v: a mount is left:\n%s", command, after)
		}
		os.RemoveAll(dir)
	})
	cmd := m.command(program(t), append([]string{"exec", archive, "--"}, command...)...)
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8", "COLUMNS=150", "TZ=UTC", "TIME_STYLE=long-iso")
	return cmd
}

// execZoo runs a script on zoo.
func execZoo(t testing.TB, script string) result {
	t.Helper()
	return runCmd(t, commandLimit, newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "bash", "-c", script))
}

// execTools are commands of other people with what they print.
var execTools = []struct {
	golden, needs, script string
}{
	{"ps-eo", "ps", `ps -eo pid,ppid,pgid,sid,stat,nlwp,user,comm,args`},
	{"ps-auxf", "ps", `ps auxf`},
	{"ps-eLf", "ps", `ps -eLf`},
	{"pstree-pal", "pstree", `pstree -pal`},
	{"pgrep-a", "pgrep", `pgrep -a zoo`},
	{"pidof", "pidof", `pidof zoo`},
	// It attaches a segment and takes the first SysV segment of /proc/self/maps
	// that lies below for it, as a high address makes sure.
	{"pmap-x", "pmap", `setarch -R pmap -x 1`},
	{"pwdx", "pwdx", `pwdx 1`},
	{"top-bn1", "top", `top -bn1`},
	{"free", "free", `free`},
	{"uptime", "uptime", `uptime`},
	{"w", "w", `w`},
	{"ipcs", "ipcs", `ipcs`},
	{"sysctl-a", "sysctl", `sysctl -a`},
	{"hostname", "hostname", `hostname; uname -n`},
	{"ls-fd", "ls", `ls -l /proc/1/fd`},
	// Without -w it warns of users that have no name, and that the container's
	// mount points are not on this machine.
	{"lsof-p", "lsof", `lsof -w -p 1`},
	{"netstat-anp", "netstat", `netstat -anp`},
	// It fills its lines to the width of the terminal with blanks.
	{"ss-anp", "ss", `ss -anp | sed 's/ *$//'`},
}

// What is this machine's: the time of day, in front of the uptime, and the
// device number of the mount.
var (
	clock  = regexp.MustCompile(`\d\d:\d\d:\d\d up `)
	device = regexp.MustCompile(` +0,\d+ `)
)

// Tools that read /proc show the checkpoint, and have nothing to complain
// about. Of what they print as 0, procs/unavailable says why.
func TestExecTools(t *testing.T) {
	for _, fixture := range full {
		for _, tool := range execTools {
			t.Run(fixture+"/"+tool.golden, func(t *testing.T) {
				require(t, tool.needs)
				script := strings.ReplaceAll(tool.script, "zoo", map[string]string{"zoo": "zoo", "counter": "tee"}[fixture])
				r := runCmd(t, commandLimit, newExec(t, nil, testdata(fixture, "checkpoint.tar.zst"), "bash", "-c", script))
				if r.code != 0 || r.stderr != "" {
					t.Errorf("%s: exit status %d, %q, want 0 and silence", script, r.code, r.stderr)
				}
				got := clock.ReplaceAllString(r.stdout, "HH:MM:SS up ")
				got = device.ReplaceAllString(got, " 0,NN ")
				golden := filepath.Join("testdata", fixture, "exec", tool.golden+".golden")
				if *update {
					if err := errors.Join(os.MkdirAll(filepath.Dir(golden), 0o755), os.WriteFile(golden, []byte(got), 0o644)); err != nil {
						t.Fatal(err)
					}
					return
				}
				if want := read(t, golden); got != want {
					t.Errorf("%s prints other than %s (-update if it is meant):\n%s\nwant\n%s", script, golden, got, want)
				}
			})
		}
	}
}

// What the tools print of zoo's processes is what the live ones were.
func TestExecAgainstTruth(t *testing.T) {
	require(t, "ps")
	dir := truth(t, "zoo")
	host := map[string]string{} // the record has the PIDs of the host
	for _, pid := range pids(t, dir) {
		host[strings.Fields(read(t, dir, fmt.Sprint(pid), "stat"))[0]] = fmt.Sprint(pid)
	}
	got := map[string]string{}
	for _, line := range lines(execZoo(t, `ps -eo pid=,ppid=,pgid=,sid=,s=,nlwp=,ni=,vsz=,comm=`).stdout) {
		f := strings.Fields(line)
		got[f[0]] = strings.Join(f[1:], " ")
	}
	for _, pid := range pids(t, dir) {
		stat := read(t, dir, fmt.Sprint(pid), "stat")
		comm := stat[strings.Index(stat, "(")+1 : strings.LastIndex(stat, ")")]
		f := append([]string{"", "", ""}, strings.Fields(stat[strings.LastIndex(stat, ")")+1:])...) // f[n] is field n
		of := func(hostPID string) string {
			if pid, ok := host[hostPID]; ok {
				return pid
			}
			return "0" // outside of the container
		}
		var vsize uint64
		fmt.Sscan(f[23], &vsize)
		want := fmt.Sprintf("%s %s %s %s %s %s %d %s", of(f[4]), of(f[5]), of(f[6]), f[3], f[20], f[19], vsize/1024, comm)
		if g := got[fmt.Sprint(pid)]; g != want {
			t.Errorf("ps of process %d: %q, want %q", pid, g, want)
		}
	}
	if len(got) != len(pids(t, dir)) {
		t.Errorf("ps shows %d processes, want %d", len(got), len(pids(t, dir)))
	}
}

// Links show what the process saw and lead into the checkpoint.
func TestExecLinks(t *testing.T) {
	require(t, "python3", "sha256sum")
	for _, row := range []struct{ script, want string }{
		{`readlink /proc/1/cwd /proc/1/exe /proc/1/fd/3`, "/work\n/zoo\n/work/data.bin\n"},
		{`python3 -c 'import os; print(os.readlink("/proc/1/cwd"), sorted(os.listdir("/proc/1/cwd"))[0])'`, "/work app.log\n"},
		{`cd /proc/1/cwd && ls`, "app.log\ndata.bin\nlocked\n"},
		{`cmp /proc/1/fd/3 /proc/ckptfs/rootfs/work/data.bin && echo same`, "same\n"},
		{`stat -Lc '%F %i' /proc/1/fd/9 /proc/1/fd/1`, "socket 82249\nfifo 82182\n"},
		{`timeout 5 cat /proc/1/fd/17 /proc/1/fd/13; timeout 5 stat -Lc '%F %s' /proc/1/fd/17`, "PIPE-BUFFERED-BYTESTCP-UNREAD-BYTESfifo 0\n"},
		{`(timeout 5 cat /proc/1/fd/1) 2>&1; (echo > /dev/stderr) 2>/dev/null; echo $?`, "cat: /proc/1/fd/1: No such file or directory\n1\n"},
		{`cat /proc/1/exe 2>&1`, "cat: /proc/1/exe: No such file or directory\n"}, // the archive does not have it
		{`ls /proc/1/root`, "dev\nproc\nscratch\nsys\nwork\n"},
		{`cat /proc/ckptfs/procs/12/comm`, "dropper\n"},
		{`readlink /proc/1/fd/6; cat /proc/1/fd/6`, "/work/deleted-evidence (deleted)\nGHOST-FILE-CONTENT\n"},
		{`readlink /proc/12/exe /proc/10/exe; cat /proc/12/exe | cmp - /proc/10/exe && head -c 4 /proc/10/exe | tail -c 3`, "/work/dropper (deleted)\n/memfd:evil (deleted)\nELF"},
	} {
		if r := execZoo(t, row.script); r.stdout != row.want || r.stderr != "" {
			t.Errorf("%s: %q, %q, want %q", row.script, r.stdout, r.stderr, row.want)
		}
	}
}

// What a descriptor is, stat(2) tells, where the link leads to the bytes in it.
func TestExecObjects(t *testing.T) {
	const script = `cd /proc/1/fd; stat -Lc '%F %Hr:%Lr %a' 9 10 21 22; cat 9 10 21 22`
	r := runCmd(t, commandLimit, newExec(t, nil, testdata("ghosts", "checkpoint.tar.zst"), "sh", "-c", script))
	want := "fifo 0:0 600\nfifo 0:0 600\ncharacter special file 5:2 666\ncharacter special file 136:0 620\n" +
		"FIFO-BYTESGONE-FIFO-BYTESTO-MASTERTO-SLAVE"
	if r.stdout != want || r.stderr != "" {
		t.Errorf("%s: %q, %q, want %q", script, r.stdout, r.stderr, want)
	}
}

// lsof(8) finds what was deleted by its links: files and memory files that are open
// or run have none. One whose other name CRIU recorded, and a FIFO that is still
// there, have.
func TestExecDeletedFiles(t *testing.T) {
	require(t, "lsof")
	for fixture, want := range map[string][]string{
		"zoo": {"10 txt /memfd:evil", "12 txt /work/dropper", "1 4 /memfd:payload", "1 6 /work/deleted-evidence"},
		"ghosts": {
			"1 3 /ghosts/sparse", `1 4 /ghosts/owned \n\xff`, "1 10 /ghosts/gone", "1 23 /memfd:sealed/../name", "1 24 /memfd:zeros",
		},
	} {
		r := runCmd(t, commandLimit, newExec(t, nil, testdata(fixture, "checkpoint.tar.zst"), "lsof", "-w", "+L1", "-F", "pfkn"))
		if r.code != 0 || r.stderr != "" {
			t.Errorf("%s: lsof: exit status %d, %s", fixture, r.code, r.stderr)
		}
		var got []string
		var pid, fd string
		for _, line := range lines(r.stdout) {
			switch value := line[1:]; line[0] {
			case 'p':
				pid = value
			case 'f':
				fd = value
			case 'k':
				if value != "0" {
					t.Errorf("%s: process %s, %s: %s links, want 0", fixture, pid, fd, value)
				}
			case 'n':
				if pid == "1" || fd == "txt" {
					got = append(got, pid+" "+fd+" "+strings.TrimSuffix(value, " (deleted)"))
				}
			}
		}
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: lsof +L1 lists %q, want %q", fixture, got, want)
		}
	}
	const script = `cd /proc/1/fd; stat -Lc %h 3 5 9 10`
	r := runCmd(t, commandLimit, newExec(t, nil, testdata("ghosts", "checkpoint.tar.zst"), "sh", "-c", script))
	if r.stdout != "0\n1\n1\n0\n" {
		t.Errorf("links of a deleted file, one with another name, a FIFO and a deleted one: %q, %s", r.stdout, r.stderr)
	}
}

// A process of the namespace finds itself in /proc, and no other.
func TestExecSelf(t *testing.T) {
	for _, row := range []struct{ script, want string }{
		{`read line < /proc/$$/stat; echo $line | cut -d ' ' -f 1,2`, "1 (zoo)\n"},
		{`ls -d /proc/$$ 2>/dev/null || echo none`, "none\n"},
		{`echo $(( $$ > 16 ))`, "1\n"}, // 16 is the greatest PID of zoo
		{`ls -d /proc/9999 2>/dev/null || echo none`, "none\n"},
		{`cat /proc/self/comm`, "zoo\n"},
	} {
		if r := execZoo(t, row.script); r.stdout != row.want {
			t.Errorf("%s: %q, want %q", row.script, r.stdout, row.want)
		}
	}
}

// Nothing of this machine shows as the container's.
func TestExecNames(t *testing.T) {
	for _, row := range []struct{ script, want string }{
		{`cat /etc/passwd /etc/group`, ""},
		{`cat /proc/sys/kernel/hostname; hostname; uname -n`, "zoohost\nzoohost\nzoohost\n"},
		{`stat -c %U /proc/1; id -un 2>/dev/null`, "UNKNOWN\n0\n"},
		{`ipcs -l | grep 'max queues'`, "max queues system wide = 32000\n"},
		{`python3 -c 'import socket; print(socket.if_nameindex())'`, "[(1, 'lo')]\n"}, // and the network is empty
	} {
		if r := execZoo(t, row.script); r.stdout != row.want {
			t.Errorf("%s: %q, want %q", row.script, r.stdout, row.want)
		}
	}
	// With the container's own files there are names.
	image := t.TempDir()
	for name, text := range map[string]string{"passwd": "keeper:x:0:0::/:/bin/sh\n", "group": "keepers:x:0:\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(image, "etc"), 0o755), os.WriteFile(filepath.Join(image, "etc", name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "bash", "-c", "ps -o user=,group= -p 12; id -un")
	cmd.Args = slices.Insert(cmd.Args, 2, "--rootfs", image)
	if r := runCmd(t, commandLimit, cmd); strings.Join(strings.Fields(r.stdout), " ") != "keeper keepers keeper" {
		t.Errorf("with an /etc/passwd: %q, %q, want its names", r.stdout, r.stderr)
	}
}

// A host name of any bytes and length is taken as far as the kernel takes one.
func TestExecHostileHostName(t *testing.T) {
	name := "\xff\xfe" + strings.Repeat("n", 100_000)
	archive := filepath.Join(t.TempDir(), "name.tar")
	check(t, os.WriteFile(archive, decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "name"}}, Files: map[uint32]string{1: "/name"},
		Members: map[string][]byte{
			"checkpoint/utsns-1.img": decodertest.Image(criu.MagicUTSNS, &utsns.UtsnsEntry{Nodename: &name, Domainname: &name}),
		},
	}.Tar(), 0o644))
	want := "\xff\xfe" + strings.Repeat("n", 62) + "\n"
	if r := runCmd(t, commandLimit, newExec(t, nil, archive, "sh", "-c", "uname -n")); r.stdout != want || r.stderr != "" {
		t.Errorf("uname -n: %q, %q, want %q", r.stdout, r.stderr, want)
	}
}

// The command has the caller's input, output, environment and directory, and
// its exit status is that of ckptfs.
func TestExecIsTheCommand(t *testing.T) {
	archive := testdata("zoo", "checkpoint.tar.zst")
	for _, row := range []struct {
		command []string
		code    int
		stderr  string
	}{
		{[]string{"true"}, 0, ""},
		{[]string{"sh", "-c", "exit 77"}, 77, ""},
		{[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15, ""},
		{[]string{"sh", "-c", "kill -KILL $$"}, 128 + 9, ""},
		{[]string{"ckptfs-no-such-command"}, 127, "ckptfs: exec: ckptfs-no-such-command: executable file not found in $PATH\n"},
		{[]string{"./none"}, 127, "ckptfs: exec: ./none: no such file or directory\n"},
		{[]string{"/etc/passwd"}, 126, "ckptfs: exec: /etc/passwd: permission denied\n"},
		{[]string{"sh", "-c", "sleep 1000 & exec sleep 0"}, 0, ""}, // what it leaves behind ends with it
		{[]string{"sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & exit 5"}, 5, ""},
	} {
		r := runCmd(t, commandLimit, newExec(t, nil, archive, row.command...))
		if r.code != row.code || r.stderr != row.stderr {
			t.Errorf("%v: exit status %d, %q, want %d, %q", row.command, r.code, r.stderr, row.code, row.stderr)
		}
	}
	cmd := newExec(t, nil, archive, "sh", "-c", `cat; pwd; echo "$VALUE,$CKPTFS_EXEC,$PROC_ROOT"; cat <&7`)
	cmd.Stdin = strings.NewReader("input\n")
	cmd.Dir = t.TempDir()
	cmd.Env = append(cmd.Env, "VALUE=a b", "PROC_ROOT=/elsewhere")
	extra, err := os.Open(testdata("zoo", "zoo.c"))
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	cmd.ExtraFiles = []*os.File{nil, nil, nil, nil, extra}
	want := "input\n" + cmd.Dir + "\na b,,/elsewhere\n" + read(t, testdata("zoo", "zoo.c"))
	if r := runCmd(t, commandLimit, cmd); r.stdout != want {
		t.Errorf("the command's surroundings: %q, %q, want %q", r.stdout, r.stderr, want)
	}
}

// What cannot be used is said in one line.
func TestExecUnusable(t *testing.T) {
	for archive, code := range map[string]int{"/none": 1, "/etc/passwd": 1, "": 2} {
		r := runCmd(t, commandLimit, newExec(t, nil, archive, "true"))
		if r.code != code || len(lines(r.stderr)) != 1 || r.stdout != "" {
			t.Errorf("%q: exit status %d, %q, want %d and a line", archive, r.code, r.stderr, code)
		}
	}
}

// What needs this machine's /proc says within exec that it is not there.
func TestExecNested(t *testing.T) {
	archive := testdata("zoo", "checkpoint.tar.zst")
	for _, args := range [][]string{{"exec", archive, "--", "true"}, {"mount", archive, "/mnt"}, {"umount", "/mnt"}, {"show", archive}} {
		r := runCmd(t, commandLimit, newExec(t, nil, archive, append([]string{program(t)}, args...)...))
		want := "ckptfs: " + args[0] + ": not possible within ckptfs exec, where /proc is that of a checkpoint\n"
		if r.code != 1 || r.stdout != "" || r.stderr != want {
			t.Errorf("%v: exit status %d, %q, want 1, %q", args, r.code, r.stderr, want)
		}
	}
}

// What is in use outside does not stay in use here, and what is mounted here
// is not seen outside.
func TestExecMounts(t *testing.T) {
	cmd := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "bash", "-c", `cat /proc/1/comm >/dev/null; echo ready; sleep 1000`)
	started(t, cmd)
	inside := read(t, "/proc", fmt.Sprint(child(t, cmd.Process.Pid)), "mountinfo")
	if !strings.Contains(inside, " /proc ") || !strings.Contains(inside, "fuse.ckptfs") {
		t.Errorf("no mount of ckptfs on /proc inside:\n%s", inside)
	}
	for _, line := range lines(inside) {
		if strings.Contains(line, "fuse.ckptfs "+testdata("zoo")) && strings.Contains(line, "shared:") {
			t.Errorf("would be seen outside: %s", line)
		}
	}
	if outside := read(t, "/proc/self/mountinfo"); strings.Contains(outside, "/proc rw - fuse.ckptfs") || listsMount("/proc/self/mountinfo", "/etc/passwd") {
		t.Errorf("seen outside:\n%s", outside)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	status(t, cmd)
}

// A user who is not root needs a user namespace, and no fusermount3.
func TestExecByUser(t *testing.T) {
	require(t, "ps")
	user := newOtherUser(t)
	archive := filepath.Join(scratch, "exec.tar.zst") // where the user may read it
	if err := os.WriteFile(archive, []byte(read(t, testdata("zoo", "checkpoint.tar.zst"))), 0o644); err != nil {
		t.Fatal(err)
	}
	const script = `ps -eo pid=,user=,comm= | head -2; readlink /proc/1/cwd; ls /proc/1/cwd | head -1; hostname; id -u; grep -c . /proc/1/maps; exit 4`
	r := runCmd(t, commandLimit, newExec(t, user, archive, "bash", "-c", script))
	want := "  1 0        zoo\n  6 0        zoo-child\n/work\napp.log\nzoohost\n0\n"
	if r.code != 4 || !strings.HasPrefix(r.stdout, want) || r.stderr != "" {
		t.Errorf("exec by a user: exit status %d, %q, %q, want 4, %q", r.code, r.stdout, r.stderr, want)
	}
	// The owner of the namespace has rights over it alone.
	r = runCmd(t, commandLimit, newExec(t, user, archive, "sh", "-c", "cat /etc/shadow"))
	if r.code == 0 {
		t.Errorf("/etc/shadow can be read: %q", r.stdout)
	}
}

// Who may not make namespaces is told so in one line.
func TestExecWithoutNamespaces(t *testing.T) {
	require(t, "setpriv")
	cmd := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "true")
	cmd.Args = append([]string{"setpriv", "--bounding-set=-sys_admin", "--"}, cmd.Args...)
	cmd.Path, _ = exec.LookPath("setpriv")
	r := runCmd(t, commandLimit, cmd)
	if r.code != 1 || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "namespaces: operation not permitted") {
		t.Errorf("exit status %d, %q, want 1 and a line about namespaces", r.code, r.stderr)
	}
}
