package layout

import (
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// namespaces is ns/. The first namespace of a type has the plain name, a
// further one CRIU's id behind it.
func (b *builder) namespaces() tree.Dir {
	var entries []tree.Entry
	for i, ns := range b.ck.UTS {
		name := namespaceName("uts", i, ns.ID)
		entries = append(entries, tree.Entry{Name: name, Node: b.text("ns/"+name, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "nodename: %s\ndomainname: %s\n", escape.String(ns.NodeName), escape.String(ns.DomainName))
			return err
		})})
	}
	for i, ns := range b.ck.IPC {
		name := namespaceName("ipc", i, ns.ID)
		entries = append(entries, tree.Entry{Name: name, Node: tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
			return sorted(append(b.sysvipc("ns/"+name, ns), b.ipcObjects(ns)...)), nil
		})})
	}
	for i, ns := range b.ck.MountNamespaces() {
		name := namespaceName("mnt", i, ns.ID)
		entries = append(entries, tree.Entry{Name: name, Node: b.text("ns/"+name, func(w io.Writer) error { return procfmt.Mountinfo(w, ns.Table) })})
	}
	for i, ns := range b.ck.NetNamespaces() {
		name := namespaceName("net", i, ns.ID)
		entries = append(entries, tree.Entry{Name: name, Node: tree.NewDir(b.dirAttr(), b.net("ns/"+name, ns, i == 0))})
	}
	return tree.NewDir(b.dirAttr(), sorted(entries))
}

func namespaceName(kind string, i int, id uint32) string {
	if i == 0 {
		return kind
	}
	return fmt.Sprintf("%s.%d", kind, id)
}

// sysvipc is the files of /proc/sysvipc, in the directory dir of the mount.
func (b *builder) sysvipc(dir string, ns decoder.IPCNamespace) []tree.Entry {
	file := b.texts(dir)
	return []tree.Entry{
		file("msg", func(w io.Writer) error { return procfmt.SysvipcMsg(w, ns) }),
		file("sem", func(w io.Writer) error { return procfmt.SysvipcSem(w, ns) }),
		file("shm", func(w io.Writer) error { return procfmt.SysvipcShm(w, ns) }),
	}
}

// ipcObjects is the files of the shared memory and the messages of an IPC
// namespace: shm.<id> and msg.<id>.<number>.
func (b *builder) ipcObjects(ns decoder.IPCNamespace) []tree.Entry {
	var entries []tree.Entry
	for _, f := range b.recovery().files {
		name := ""
		switch {
		case f.NS != ns.ID:
		case f.Kind == decoder.ObjectSegment:
			name = fmt.Sprintf("shm.%d", f.ID)
		case f.Kind == decoder.ObjectMessage:
			number, _, _ := strings.Cut(f.Part, ".")
			name = fmt.Sprintf("msg.%d.%s", f.ID, number)
		}
		if name != "" {
			entries = append(entries, tree.Entry{Name: name, Node: f.Node})
		}
	}
	return entries
}
