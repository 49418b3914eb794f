package decoder

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/netdev"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// NetNamespace is a network namespace. Engines make it, and keep it, so that
// CRIU is told to leave it alone and saves only the sockets; of one that was
// made by the runtime (crun) or in the container, it saves the rest too.
//
// Source: netdev-<id>.img and, in the form of iproute2's "ip save" and of
// iptables-save and nft, ifaddr-, route-, route6-, rule-, iptables-,
// ip6tables- and nftables-<id>.img (criu/net.c:dump_net_ns).
type NetNamespace struct {
	ID      uint32 // CRIU's id of the namespace
	Sockets []*Socket
	Saved   bool        // its devices, addresses, routes and rules are saved too
	Devices []NetDevice // sorted by index

	loader *loader
}

// NetDevice is an interface.
type NetDevice struct {
	Index     uint32
	Name      string
	Kind      NetDeviceKind
	MTU       uint32
	Flags     uint32 // IFF_ bits of netdevice(7)
	Address   []byte // link-layer address; nil where not recorded
	PeerIndex uint32 // the other end of a veth, in the namespace PeerNS; 0: none
	PeerNS    uint32 // 0: one that is not in the checkpoint
}

// NetDeviceKind is the kind of an interface, by CRIU's number.
//
// Source: images/netdev.proto:nd_type.
type NetDeviceKind uint32

// The kinds of interfaces that are Ethernet, and loopback.
const (
	DeviceLoopback NetDeviceKind = 1
	DeviceVeth     NetDeviceKind = 2
	DeviceBridge   NetDeviceKind = 6
	DeviceMacvlan  NetDeviceKind = 7
)

// NetNamespaces are those of the processes and sockets, that of the first
// process first, the others sorted by id.
func (c *Checkpoint) NetNamespaces() []*NetNamespace { return c.loader.netNamespaces }

// maxNetNamespaces bounds them, of which a hostile archive can have as many as
// sockets.
const maxNetNamespaces = 4096

// loadNetNamespaces finds the network namespaces, with their sockets.
func (l *loader) loadNetNamespaces(processes []*Process) {
	byID := make(map[uint32]*NetNamespace)
	of := func(id uint32) *NetNamespace {
		ns := byID[id]
		if ns == nil {
			ns = &NetNamespace{ID: id, loader: l}
			if len(byID) == maxNetNamespaces {
				l.warn.Addf("more than %d network namespaces", maxNetNamespaces)
				return ns
			}
			byID[id] = ns
			l.netNamespaces = append(l.netNamespaces, ns)
		}
		return ns
	}
	var first uint32
	if len(processes) > 0 && processes[0].IDs != nil {
		first = processes[0].IDs.Net
	}
	of(first)
	for _, p := range processes {
		if p.IDs != nil {
			of(p.IDs.Net)
		}
	}
	for _, s := range l.sockets {
		ns := of(s.NS)
		ns.Sockets = append(ns.Sockets, s)
	}
	for _, ns := range l.netNamespaces {
		name := l.name("netdev-%d.img", ns.ID)
		if ns.Saved = l.member(name) != nil; ns.Saved {
			l.warn.Add(each(l.images, name, criu.MagicNetdev, func(e *netdev.NetDeviceEntry, _ *criu.Reader) error {
				ns.Devices = append(ns.Devices, netDevice(e))
				return nil
			}))
			slices.SortStableFunc(ns.Devices, func(a, b NetDevice) int { return cmp.Compare(a.Index, b.Index) })
		}
	}
	slices.SortFunc(l.netNamespaces[1:], func(a, b *NetNamespace) int { return cmp.Compare(a.ID, b.ID) })
}

func netDevice(e *netdev.NetDeviceEntry) NetDevice {
	return NetDevice{
		Index: e.GetIfindex(), Name: cText(e.GetName()), Kind: NetDeviceKind(e.GetType()), MTU: e.GetMtu(), Flags: e.GetFlags(),
		Address: e.GetAddress(), PeerIndex: e.GetPeerIfindex(), PeerNS: e.GetPeerNsid(),
	}
}

// DeviceName is the name of an interface, or, of one that is not there, "if"
// and its index, as iproute2 has it.
func (ns *NetNamespace) DeviceName(index uint32) string {
	i, found := slices.BinarySearchFunc(ns.Devices, index, func(d NetDevice, index uint32) int { return cmp.Compare(d.Index, index) })
	if !found {
		return fmt.Sprintf("if%d", index)
	}
	return ns.Devices[i].Name
}

// Text is an image that holds text: what iptables-save, ip6tables-save or nft
// printed, by the name of its image (iptables, ip6tables, nftables). It is nil
// where there is none.
func (ns *NetNamespace) Text(name string) *archive.Member {
	return ns.loader.member(ns.loader.name("%s-%d.img", name, ns.ID))
}
