package decoder

import (
	"maps"
	"slices"
)

// Interface is a network interface of the container as the engine set it up.
type Interface struct {
	Network   string   // the engine's name of the network; "" where not recorded
	Name      string   // as in the container; "" where not recorded
	Addresses []string // with the length of the prefix where recorded: 10.88.0.7/16
	Gateways  []string
	MAC       string   // "" where not recorded
	DNS       []string // addresses of the network's name servers
}

// Port is a port of the machine, or as many in a row as Range says, that leads
// to one of the container.
type Port struct {
	HostIP        string `json:"host_ip"` // "": any
	HostPort      uint16 `json:"host_port"`
	ContainerPort uint16 `json:"container_port"`
	Range         uint16 `json:"range"`
	Protocol      string `json:"protocol"`
}

// network is the interfaces by Podman's network.status, sorted by network and
// name.
//
// Source: go.podman.io/common/libnetwork/types.StatusBlock.
func (l *loader) network() (list []Interface) {
	var networks map[string]struct {
		Interfaces map[string]struct {
			Subnets []struct {
				IPNet   string `json:"ipnet"`
				Gateway string `json:"gateway"`
			} `json:"subnets"`
			MAC string `json:"mac_address"`
		} `json:"interfaces"`
		DNS []string `json:"dns_server_ips"`
	}
	if !l.metadata("network.status", &networks) {
		return nil
	}
	for _, network := range slices.Sorted(maps.Keys(networks)) {
		interfaces := networks[network].Interfaces
		for _, name := range slices.Sorted(maps.Keys(interfaces)) {
			i := Interface{Network: network, Name: name, MAC: interfaces[name].MAC, DNS: networks[network].DNS}
			for _, s := range interfaces[name].Subnets {
				if s.IPNet != "" {
					i.Addresses = append(i.Addresses, s.IPNet)
				}
				if s.Gateway != "" {
					i.Gateways = append(i.Gateways, s.Gateway)
				}
			}
			list = append(list, i)
		}
	}
	return list
}
