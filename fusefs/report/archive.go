package report

import (
	"bufio"
	"fmt"
	"math"
	"path"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
)

// archiveInfo is how large the archive is, and what is how large in it.
// Members are counted with their size as files, not as they are compressed.
type archiveInfo struct {
	Form       string     `json:"form"`
	Size       int64      `json:"size_bytes"` // of the archive itself
	Members    int        `json:"members"`
	Checkpoint int64      `json:"checkpoint_bytes"` // all that is in the folder of the images
	Pages      int64      `json:"pages_bytes"`      // of these, as is the next
	GPUPages   int64      `json:"gpu_pages_bytes"`
	RootfsDiff int64      `json:"rootfs_diff_bytes"`
	Kinds      []kindInfo `json:"kinds"`         // of members; each is in one of them. Of a wrapped one, of the tar with the images
	Log        string     `json:"log,omitempty"` // path in the mount

	CheckpointForm string `json:"checkpoint_form,omitempty"` // what it is wrapped in, or that it is a pre-checkpoint
}

type kindInfo struct {
	Kind    string `json:"kind"`
	Members int    `json:"members"`
	Bytes   int64  `json:"bytes"`
}

// kinds are the kinds of members by their names, the first that matches; one
// without a slash is matched with the last part of a name.
var kinds = []struct{ kind, patterns string }{
	{memoryPages, "pages-*.img"},
	{gpuPages, "amdgpu-pages-*"},
	{"deleted files", "ghost-file-*.img"},
	{"tmpfs contents", "tmpfs-*.img"},
	{"other images", "*.img"},
	{"rootfs diff", "rootfs-diff.tar"},
	{"volumes", "volumes/*.tar"},
	{"/dev/shm", "devshm-checkpoint.tar"},
	{"container log", "ctr.log container.log io.kubernetes.cri-o.LogPath"},
	{"CRIU logs", "*.log"},
	{"metadata", "*.dump network.status status bind.mounts deleted.files stats-* descriptors.json"},
	{"other", "*"},
}

// The kinds that have a size of their own in archiveInfo.
const (
	memoryPages = "memory pages"
	gpuPages    = "GPU memory pages"
)

// kindOf is the index of the kind of a member.
func kindOf(name string) int {
	for i, k := range kinds {
		for pattern := range strings.FieldsSeq(k.patterns) {
			whole := name
			if !strings.Contains(pattern, "/") {
				whole = path.Base(name)
			}
			if ok, _ := path.Match(pattern, whole); ok {
				return i
			}
		}
	}
	return len(kinds) - 1
}

func archiveOf(ck *decoder.Checkpoint) archiveInfo {
	a := ck.Archive
	info := archiveInfo{
		Form: a.Form(), CheckpointForm: ck.Form, Size: a.Size(), Members: len(a.Members()),
		RootfsDiff: ck.RootfsDiffSize(), Kinds: []kindInfo{}, Log: ck.Container.Log,
	}
	counted := make([]kindInfo, len(kinds))
	folder := ck.ImageFolder()
	for _, m := range ck.ImageArchive().Members() {
		if m.Type != archive.TypeRegular || m.LinkName != "" {
			continue
		}
		kind := kindOf(m.Name)
		k := &counted[kind]
		k.Members++
		k.Bytes = add(k.Bytes, m.Size())
		if folder != "" && !strings.HasPrefix(m.Name, folder+"/") {
			continue
		}
		info.Checkpoint = add(info.Checkpoint, m.Size())
		switch kinds[kind].kind {
		case memoryPages:
			info.Pages = add(info.Pages, m.Size())
		case gpuPages:
			info.GPUPages = add(info.GPUPages, m.Size())
		}
	}
	for i, k := range counted {
		k.Kind = kinds[i].kind
		if k.Members > 0 {
			info.Kinds = append(info.Kinds, k)
		}
	}
	return info
}

// add adds sizes. What an archive claims may be more than there can be.
func add(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }

// writeContents writes what is in the archive, a line for each kind.
func writeContents(b *bufio.Writer, s *summary) {
	fmt.Fprintf(b, "%12s %7s CONTENTS\n", "BYTES", "MEMBERS")
	for _, k := range s.Archive.Kinds {
		fmt.Fprintf(b, "%12d %7d %s\n", k.Bytes, k.Members, k.Kind)
	}
}

// bytesText is a size in bytes and, where it is long, in a unit as
// checkpointctl prints it.
func bytesText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n), -1
	for value >= 1024 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%d bytes (%.1f %ciB)", n, value, "KMGTPE"[unit])
}
