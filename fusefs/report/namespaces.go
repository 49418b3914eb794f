package report

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// namespaceInfo is a namespace, and who was in it.
type namespaceInfo struct {
	Type string `json:"type"`
	ID   uint32 `json:"id"` // CRIU's: in the names of images
	// Host says that CRIU was in it too: it is that of the machine on which the
	// engine ran.
	Host bool  `json:"host"`
	PIDs []int `json:"pids"`
	// Path is where the engine found it, on the host, if it had the container
	// join one that was there: of its pod, or of another container.
	Path string `json:"path,omitempty"`
}

// namespaceTypes are the types as /proc/pid/ns names them.
var namespaceTypes = []struct {
	name string
	spec specs.LinuxNamespaceType
	id   func(*decoder.IDs) uint32
}{
	{"pid", specs.PIDNamespace, func(i *decoder.IDs) uint32 { return i.PID }},
	{"net", specs.NetworkNamespace, func(i *decoder.IDs) uint32 { return i.Net }},
	{"ipc", specs.IPCNamespace, func(i *decoder.IDs) uint32 { return i.IPC }},
	{"uts", specs.UTSNamespace, func(i *decoder.IDs) uint32 { return i.UTS }},
	{"mnt", specs.MountNamespace, func(i *decoder.IDs) uint32 { return i.Mnt }},
	{"user", specs.UserNamespace, func(i *decoder.IDs) uint32 { return i.User }},
	{"cgroup", specs.CgroupNamespace, func(i *decoder.IDs) uint32 { return i.CG }},
	{"time", specs.TimeNamespace, func(i *decoder.IDs) uint32 { return i.Time }},
}

func namespacesOf(ck *decoder.Checkpoint) []namespaceInfo {
	namespaces := []namespaceInfo{}
	host := ck.Inventory.Host
	for _, t := range namespaceTypes {
		var byID groups[uint32, int]
		for _, p := range ck.Processes {
			if p.IDs != nil && t.id(p.IDs) != 0 {
				byID.add(t.id(p.IDs), p.PID)
			}
		}
		for i, g := range byID.list {
			n := namespaceInfo{Type: t.name, ID: g.key, Host: host != nil && t.id(host) == g.key, PIDs: g.members}
			if i == 0 { // of the first process
				n.Path = joined(ck.Container.Spec, t.spec)
			}
			namespaces = append(namespaces, n)
		}
	}
	return namespaces
}

// joined is the path of a namespace that the runtime was told to join, or "".
func joined(spec *specs.Spec, t specs.LinuxNamespaceType) string {
	if spec == nil || spec.Linux == nil {
		return ""
	}
	for _, n := range spec.Linux.Namespaces {
		if n.Type == t {
			return n.Path
		}
	}
	return ""
}

// writeNamespaces writes which processes share which namespaces, once for all
// types that are shared by the same.
func writeNamespaces(b *bufio.Writer, s *summary) {
	fmt.Fprintln(b, "namespaces")
	type sharing struct {
		host bool
		pids string
	}
	var same groups[sharing, string]
	for _, n := range s.Namespaces {
		same.add(sharing{n.Host, pidsText(n.PIDs)}, n.Type)
	}
	for _, g := range same.list {
		whose := "the container's"
		if g.key.host {
			whose = "the host's"
		}
		fmt.Fprintf(b, "  %s: %s, with %s in it\n", strings.Join(g.members, " "), whose, g.key.pids)
	}
	for _, n := range s.Namespaces {
		if n.Path != "" {
			fmt.Fprintf(b, "  %s is that at %s of the host\n", n.Type, escape.String(n.Path))
		}
	}
}
