package procfmt

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// limitNames are the resource limits by number, with their units.
//
// Source: fs/proc/base.c:lnames.
var limitNames = [...]struct{ name, unit string }{
	{"Max cpu time", "seconds"},
	{"Max file size", "bytes"},
	{"Max data size", "bytes"},
	{"Max stack size", "bytes"},
	{"Max core file size", "bytes"},
	{"Max resident set", "bytes"},
	{"Max processes", "processes"},
	{"Max open files", "files"},
	{"Max locked memory", "bytes"},
	{"Max address space", "bytes"},
	{"Max file locks", "locks"},
	{"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"},
	{"Max nice priority", ""},
	{"Max realtime priority", ""},
	{"Max realtime timeout", "us"},
}

// rlimitRSS is the number of the limit of the resident set, RLIMIT_RSS.
const rlimitRSS = 5

// Limits writes /proc/pid/limits.
//
// Source: fs/proc/base.c:proc_pid_limits.
func Limits(w io.Writer, limits []decoder.Rlimit) error {
	if len(limits) == 0 {
		return errors.New("no resource limits in the core image")
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	for i, l := range limits[:min(len(limits), len(limitNames))] {
		fmt.Fprintf(b, "%-25s %-20s %-20s ", limitNames[i].name, limit(l.Soft), limit(l.Hard))
		if unit := limitNames[i].unit; unit != "" {
			fmt.Fprintf(b, "%-10s", unit)
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

func limit(n uint64) string {
	if n == decoder.RlimitInfinity {
		return "unlimited"
	}
	return fmt.Sprint(n)
}
