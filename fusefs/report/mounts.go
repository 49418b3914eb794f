package report

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
)

// mountInfo is a mount as it was at the time of the dump.
type mountInfo struct {
	Namespace uint32 `json:"namespace"` // id of the mount namespace
	ID        int    `json:"id"`
	Parent    int    `json:"parent_id"`
	Point     string `json:"mount_point"`
	Type      string `json:"type,omitempty"`
	Source    string `json:"source,omitempty"`
	Root      string `json:"root"` // what of the file system is mounted
	Device    string `json:"device"`
	Options   string `json:"options"`
}

// specMount is a mount that the engine asked the runtime for. Its source is a
// path of the host, if it is a bind mount.
type specMount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type,omitempty"`
	Source      string   `json:"source,omitempty"`
	Options     []string `json:"options"`
}

func mountsOf(ck *decoder.Checkpoint) []mountInfo {
	mounts := []mountInfo{}
	for _, ns := range ck.MountNamespaces() {
		for _, m := range ns.Table {
			mounts = append(mounts, mountInfo{
				ns.ID, m.ID, m.Parent, m.Point, m.FSType, m.Source, m.Root,
				fmt.Sprintf("%d:%d", m.Dev.Major, m.Dev.Minor), procfmt.MountOptions(m),
			})
		}
	}
	return mounts
}

func specMountsOf(ck *decoder.Checkpoint) []specMount {
	mounts := []specMount{}
	if ck.Container.Spec == nil {
		return mounts
	}
	for _, m := range ck.Container.Spec.Mounts {
		mounts = append(mounts, specMount{m.Destination, m.Type, m.Source, list(m.Options)})
	}
	return mounts
}

// writeMounts writes the mounts of each mount namespace, and those that the
// engine asked for.
func writeMounts(b *bufio.Writer, s *summary) {
	table := func(title string, rows [][]string) {
		if len(rows) == 0 {
			return
		}
		var width [2]int
		for i := range width {
			longest := slices.MaxFunc(rows, func(a, b []string) int { return len(a[i]) - len(b[i]) })
			width[i] = min(len(longest[i]), 40)
		}
		fmt.Fprintln(b, title)
		for _, r := range rows {
			fmt.Fprintf(b, "  %-*s %-*s %s\n", width[0], r[0], width[1], r[1], r[2])
		}
	}
	for start := 0; start < len(s.Mounts); {
		end := start
		var rows [][]string
		for ; end < len(s.Mounts) && s.Mounts[end].Namespace == s.Mounts[start].Namespace; end++ {
			m := s.Mounts[end]
			source := m.Source
			if m.Root != "/" {
				source += " " + m.Root
			}
			rows = append(rows, []string{escape.String(m.Point), escape.String(cmp.Or(m.Type, "-")), escape.String(source + " (" + m.Options + ")")})
		}
		table(fmt.Sprintf("mounts of mount namespace %d", s.Mounts[start].Namespace), rows)
		start = end
	}
	var rows [][]string
	for _, m := range s.SpecMounts {
		rows = append(rows, []string{escape.String(m.Destination), escape.String(m.Type), escape.String(m.Source + " (" + strings.Join(m.Options, ",") + ")")})
	}
	table("mounts that the engine asked for", rows)
}
