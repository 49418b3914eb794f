package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// Cgroup writes /proc/pid/cgroup, or that of a thread, as a process outside of
// the container sees it: a line "0::/path" for the unified hierarchy, behind
// one "0:controllers:/path" for each of version 1. CRIU saves neither the
// numbers of those hierarchies nor their order; they are 0 here, and sorted.
//
// Source: kernel/cgroup/cgroup.c:proc_cgroup_show; cgroups(7).
func Cgroup(w io.Writer, groups []decoder.Cgroup) error {
	b := bufio.NewWriter(w)
	for i := len(groups) - 1; i >= 0; i-- { // the image begins with the unified one
		fmt.Fprintf(b, "0:%s:%s\n", groups[i].Controllers, strings.ReplaceAll(groups[i].Path, "\n", `\012`))
	}
	return b.Flush()
}
