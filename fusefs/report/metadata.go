package report

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// writeMetadata writes what is known of the container beside: how it was
// created, labels, annotations.
func writeMetadata(b *bufio.Writer, s *summary) {
	if len(s.CreateCommand) > 0 {
		fmt.Fprintf(b, "created by\n  %s\n", escape.String(shellText(s.CreateCommand)))
	}
	for _, m := range []struct {
		title  string
		values map[string]string
	}{{"labels", s.Labels}, {"annotations", s.Annotations}, {"annotations of the OCI image", s.ImageAnnotations}} {
		if len(m.values) > 0 {
			fmt.Fprintln(b, m.title)
		}
		for _, key := range slices.Sorted(maps.Keys(m.values)) {
			fmt.Fprintf(b, "  %s: %s\n", escape.String(key), escape.String(m.values[key]))
		}
	}
}

// shellText is a command line, its arguments quoted as for a shell.
func shellText(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if arg == "" || strings.ContainsAny(arg, " \t\n|&;<>()$`\\\"'*?[#~!{}") {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
