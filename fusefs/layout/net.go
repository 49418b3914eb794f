package layout

import (
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// netFiles makes the files of /proc/net of each network namespace: once,
// for they stand in many places.
func (b *builder) netFiles() {
	for i, ns := range b.ck.NetNamespaces() {
		b.netDirs[ns.ID] = b.procNetFiles("ns/"+namespaceName("net", i, ns.ID), ns, i == 0)
	}
}

// procNetFiles are the files of /proc/net, in the directory dir of the mount.
// What is known of interfaces only if they were saved is not there otherwise.
func (b *builder) procNetFiles(dir string, ns *decoder.NetNamespace, first bool) []tree.Entry {
	file := b.texts(dir)
	var entries []tree.Entry
	for _, name := range procfmt.InetTables {
		entries = append(entries, file(name, func(w io.Writer) error { return procfmt.Inet(w, name, ns.Sockets) }))
	}
	entries = append(entries,
		file("dev", func(w io.Writer) error { return procfmt.NetDev(w, b.devices(ns, first)) }),
		file("netlink", func(w io.Writer) error { return procfmt.Netlink(w, ns.Sockets) }),
		file("packet", func(w io.Writer) error { return procfmt.Packet(w, ns.Sockets) }),
		file("unix", func(w io.Writer) error { return procfmt.Unix(w, ns.Sockets) }),
	)
	if ns.Saved {
		entries = append(entries,
			file("if_inet6", func(w io.Writer) error { return procfmt.IfInet6(w, ns) }),
			file("route", func(w io.Writer) error { return procfmt.Route(w, ns) }),
		)
	}
	return sorted(entries)
}

// devices are the names of the interfaces of a namespace. Of one that is the
// engine's, they are those that the engine names, and the loopback interface,
// without which there is none.
func (b *builder) devices(ns *decoder.NetNamespace, first bool) []string {
	var names []string
	for _, d := range ns.Devices {
		names = append(names, d.Name)
	}
	if ns.Saved {
		return names
	}
	names = append(names, "lo")
	if first {
		for _, i := range b.ck.Container.Interfaces {
			if i.Name != "" {
				names = append(names, i.Name)
			}
		}
	}
	return names
}

// procNet is the directory net of a process in that namespace. It is a
// directory also where the kernel has a link, for tools bind it elsewhere.
func (b *builder) procNet(id uint32) tree.Dir {
	return tree.NewDir(b.dirAttr(), b.netDirs[id])
}

// net is procs/<pid>/net, and that of a thread.
func (p *process) net() tree.Dir {
	id := p.ck.NetNamespaces()[0].ID
	if p.IDs != nil {
		id = p.IDs.Net
	}
	return p.procNet(id)
}

// net is ns/net: the files of /proc/net, and beside them what it has no place
// for.
func (b *builder) net(dir string, ns *decoder.NetNamespace, first bool) []tree.Entry {
	file := b.texts(dir)
	entries := append([]tree.Entry{
		file("sockets", func(w io.Writer) error { return procfmt.Sockets(w, b.ck, ns.Sockets) }),
	}, b.netDirs[ns.ID]...)
	if interfaces := b.ck.Container.Interfaces; first && len(interfaces) > 0 {
		entries = append(entries, file("status", func(w io.Writer) error { return procfmt.Interfaces(w, interfaces) }))
	}
	if ns.Saved {
		entries = append(entries,
			file("ip-addr", func(w io.Writer) error { return procfmt.IPAddr(w, ns) }),
			file("ip-route", func(w io.Writer) error { return procfmt.IPRoute(w, ns, false) }),
			file("ip-route6", func(w io.Writer) error { return procfmt.IPRoute(w, ns, true) }),
			file("ip-rule", func(w io.Writer) error { return procfmt.IPRule(w, ns) }),
		)
	}
	for _, name := range []string{"iptables", "ip6tables", "nftables"} {
		if m := ns.Text(name); m != nil {
			entries = append(entries, tree.Entry{Name: name, Node: tree.ContentFile(b.fileAttr(), func() (tree.Content, error) { return b.member(m), nil })})
		}
	}
	return sorted(entries)
}
