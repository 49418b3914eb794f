package procfmt

import (
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

func TestGDBInit(t *testing.T) {
	head := `set auto-load off
set auto-load libthread-db on
set libthread-db-search-path $sdir
`
	root := `set sysroot /mnt/ck/rootfs
set substitute-path / /mnt/ck/rootfs/
set debug-file-directory /mnt/ck/rootfs/usr/lib/debug:/usr/lib/debug
`
	session := func(comms ...string) GDBSession {
		s := GDBSession{Core: "/mnt/ck/cores/core.7", Sysroot: "/mnt/ck/rootfs", Exe: "/mnt/ck/procs/7/exe"}
		for _, c := range comms {
			s.Threads = append(s.Threads, &decoder.Thread{Comm: c})
		}
		return s
	}
	noExe := session("sh")
	noExe.Exe = ""
	refused := session("sh")
	refused.Refused = []*decoder.File{{Path: "/lib/libc.so.6\nshell id"}}
	for _, test := range []struct {
		name    string
		session GDBSession
		want    string
	}{
		{"threads", session("zoo", "", " worker 1 "), head + root + `file /mnt/ck/procs/7/exe
core-file /mnt/ck/cores/core.7
thread apply 1 -q thread name zoo
thread apply 3 -q thread name worker 1
`},
		{"a name that would be a command", session("a\nshell id\x1b\xff"), head + root + `file /mnt/ck/procs/7/exe
core-file /mnt/ck/cores/core.7
thread apply 1 -q thread name a\x0ashell id\x1b\xff
`},
		{"no executable", noExe, head + root + `# There is no executable: it was deleted, or is in the container's image, which --rootfs adds.
core-file /mnt/ck/cores/core.7
thread apply 1 -q thread name sh
`},
		{"another build of a library", refused, head + `# /lib/libc.so.6\x0ashell id is not the file that the process mapped: there is no sysroot.
` + strings.Replace(root, "sysroot /mnt/ck/rootfs\n", "sysroot /dev/null\n", 1) + `file /mnt/ck/procs/7/exe
core-file /mnt/ck/cores/core.7
thread apply 1 -q thread name sh
`},
	} {
		var b strings.Builder
		if err := GDBInit(&b, test.session); err != nil || b.String() != test.want {
			t.Errorf("%s: error %v\n%s\nwant\n%s", test.name, err, b.String(), test.want)
		}
	}
	for _, path := range []string{"/mnt/my ck", "/mnt/a:b", "/mnt/'", `/mnt/"`, `/mnt/\`, "/mnt/\nshell id", "/mnt/\x1b"} {
		s := session("sh")
		s.Sysroot = path
		if err := GDBInit(new(strings.Builder), s); err == nil {
			t.Errorf("mounted at %q: no error", path)
		}
	}
}
