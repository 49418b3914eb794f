// Package report sums a checkpoint up: what `ckptfs show` prints and what
// stands in summary, summary.json and stats.
package report

import (
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/memview"
)

// summary is what is said of a checkpoint. Fields that it does not have are
// empty and left out.
type summary struct {
	Container    string        `json:"container,omitempty"`
	ID           string        `json:"id,omitempty"`
	Image        string        `json:"image,omitempty"`
	ImageID      string        `json:"image_id,omitempty"`
	Engine       string        `json:"engine,omitempty"`
	Runtime      string        `json:"runtime,omitempty"`
	Created      string        `json:"created,omitempty"`
	Checkpointed string        `json:"checkpointed,omitempty"`
	Hostname     string        `json:"hostname,omitempty"`
	IP           []string      `json:"ip,omitempty"`
	MAC          []string      `json:"mac,omitempty"`
	Archive      archiveInfo   `json:"archive"`
	Processes    []processInfo `json:"processes"`
	Stats        []stat        `json:"stats,omitempty"`
	Warnings     []string      `json:"warnings,omitempty"`
}

type archiveInfo struct {
	Form       string `json:"form"`
	Size       int64  `json:"size_bytes"`
	Members    int    `json:"members"`
	Images     int64  `json:"images_bytes"`
	Pages      int64  `json:"pages_bytes"`
	RootfsDiff int64  `json:"rootfs_diff_bytes"`
}

type processInfo struct {
	PID     int    `json:"pid"`
	PPID    int    `json:"ppid"`
	State   string `json:"state"`
	Threads int    `json:"threads"`
	Comm    string `json:"comm"`
	// Args are the arguments; nil where the checkpoint does not have them.
	Args []string `json:"args,omitempty"`
}

type stat struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

func summarize(ck *decoder.Checkpoint) summary {
	c := ck.Container
	s := summary{
		Container: c.Name, ID: c.ID, Image: c.Image, ImageID: c.ImageID,
		Engine: c.Engine, Runtime: c.Runtime,
		Created: stamp(c.Created), Checkpointed: stamp(c.Checkpointed),
		IP: c.IP, MAC: c.MAC,
		Archive:   sizes(ck),
		Warnings:  ck.Warnings.List(),
		Processes: []processInfo{},
	}
	if s.Checkpointed == "" {
		s.Checkpointed = stamp(ck.Time)
	}
	if len(ck.UTS) > 0 {
		s.Hostname = ck.UTS[0].NodeName
	}
	for _, p := range ck.Processes {
		s.Processes = append(s.Processes, processInfo{
			PID: p.PID, PPID: p.PPID, State: string(p.State.Letter()),
			Threads: max(len(p.Threads), 1), Comm: p.Comm, Args: args(p),
		})
	}
	for _, st := range ck.Stats {
		s.Stats = append(s.Stats, stat(st))
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func sizes(ck *decoder.Checkpoint) archiveInfo {
	a := ck.Archive
	info := archiveInfo{Form: a.Form(), Size: a.Size(), Members: len(a.Members())}
	for _, m := range a.Members() {
		switch base := path.Base(m.Name); {
		case m.Name == "rootfs-diff.tar":
			info.RootfsDiff = m.Size()
		case strings.HasPrefix(base, "pages-") && strings.HasSuffix(base, ".img"):
			info.Pages = add(info.Pages, m.Size())
			info.Images = add(info.Images, m.Size())
		case strings.HasSuffix(base, ".img"):
			info.Images = add(info.Images, m.Size())
		}
	}
	return info
}

// add adds sizes. What an archive claims may be more than there can be.
func add(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }

// maxArgs is how many bytes of its arguments are shown of a process.
const maxArgs = 64 << 10

// args are the arguments of a process, or nil.
func args(p *decoder.Process) []string {
	if p.MM == nil {
		return nil
	}
	space := memview.New(p.MM)
	r, err := procfmt.Cmdline(p.MM, space)
	if err != nil || r.Len() == 0 {
		return nil
	}
	data := make([]byte, min(r.Len(), maxArgs))
	n, _ := space.ReadMem(data, r.Start)
	return strings.Split(strings.TrimSuffix(string(data[:n]), "\x00"), "\x00")
}

func (p processInfo) command() string {
	if len(p.Args) == 0 {
		return fmt.Sprintf("[%s]", p.Comm)
	}
	return strings.Join(p.Args, " ")
}
