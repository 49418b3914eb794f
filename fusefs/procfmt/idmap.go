package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// IDMap writes /proc/pid/uid_map or gid_map.
//
// Source: kernel/user_namespace.c:uid_m_show; user_namespaces(7).
func IDMap(w io.Writer, ranges []decoder.IDRange) error {
	b := bufio.NewWriter(w)
	for _, r := range ranges {
		fmt.Fprintf(b, "%10d %10d %10d\n", r.First, r.Lower, r.Count)
	}
	return b.Flush()
}
