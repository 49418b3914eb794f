package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// GDBSession is what a debugger is to open.
type GDBSession struct {
	Core    string            // the core file
	Sysroot string            // the container's root file system
	Exe     string            // the executable; "" for none
	Threads []*decoder.Thread // those of the core file, in its order
	Refused []*decoder.File   // mapped files in whose place the sysroot has others
}

// GDBInit writes the commands that open a core file in gdb:
//
//	gdb -x procs/1/gdbinit
//
// The sysroot has to be set before the core file is opened. A core file has no
// names of threads, which are set after that; gdb numbers the threads from 1.
//
// The container's files are hostile, and gdb would run scripts that it finds
// in them and beside them, the more so below its debug-file-directory, which
// it trusts; and load their libthread_db. It would also take the sources that
// their debug information names from the machine that it runs on. And what the
// core file lacks gdb reads from the files that it finds by their names, so
// that a sysroot with another file under one of them is none.
func GDBInit(w io.Writer, s GDBSession) error {
	for _, path := range []string{s.Core, s.Sysroot, s.Exe} {
		if !plainPath(path) {
			return fmt.Errorf("gdb has no way to write the path %q: mount at a path without spaces, quotes, backslashes and colons", path)
		}
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "set auto-load off\n")
	fmt.Fprintf(b, "set auto-load libthread-db on\n")
	fmt.Fprintf(b, "set libthread-db-search-path $sdir\n")
	sysroot := s.Sysroot
	for _, f := range s.Refused {
		fmt.Fprintf(b, "# %s is not the file that the process mapped: there is no sysroot.\n", escape.String(f.Path))
		sysroot = "/dev/null"
	}
	fmt.Fprintf(b, "set sysroot %s\n", sysroot)
	fmt.Fprintf(b, "set substitute-path / %s/\n", s.Sysroot)
	fmt.Fprintf(b, "set debug-file-directory %s/usr/lib/debug:/usr/lib/debug\n", s.Sysroot)
	if s.Exe != "" {
		fmt.Fprintf(b, "file %s\n", s.Exe)
	} else {
		fmt.Fprintf(b, "# There is no executable: it was deleted, or is in the container's image, which --rootfs adds.\n")
	}
	fmt.Fprintf(b, "core-file %s\n", s.Core)
	for i, t := range s.Threads {
		if name := strings.TrimSpace(escape.String(t.Comm)); name != "" {
			fmt.Fprintf(b, "thread apply %d -q thread name %s\n", i+1, name) // the rest of the line
		}
	}
	return b.Flush()
}

// plainPath tells whether gdb's commands, which differ in how they quote, all
// take a path as it is. A colon separates directories.
func plainPath(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"'\:`, r)
	})
}
