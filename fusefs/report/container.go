package report

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// containerInfo is what the engine says of the container.
type containerInfo struct {
	Container     string            `json:"container,omitempty"` // in a pod, the name in the pod
	FullName      string            `json:"full_name,omitempty"` // the engine's, where it is another
	ID            string            `json:"id,omitempty"`
	Image         string            `json:"image,omitempty"`
	ImageID       string            `json:"image_id,omitempty"`
	Engine        string            `json:"engine,omitempty"`
	Runtime       string            `json:"runtime,omitempty"`
	Pod           *podInfo          `json:"pod,omitempty"`
	RestartPolicy string            `json:"restart_policy,omitempty"`
	Created       string            `json:"created,omitempty"`
	Started       string            `json:"started,omitempty"`
	Restored      string            `json:"restored,omitempty"` // from an earlier checkpoint
	Checkpointed  string            `json:"checkpointed,omitempty"`
	Hostname      string            `json:"hostname,omitempty"`
	IP            []string          `json:"ip"`
	MAC           []string          `json:"mac"`
	Networks      []networkInfo     `json:"networks"`
	Ports         []string          `json:"ports"` // [ADDRESS:]PORT->PORT/PROTOCOL, the host's first
	CreateCommand []string          `json:"create_command"`
	Labels        map[string]string `json:"labels"`
	Annotations   map[string]string `json:"annotations"` // of the runtime specification

	ImageAnnotations map[string]string `json:"image_annotations,omitempty"` // of the OCI image that holds the checkpoint
}

type podInfo struct {
	Namespace string `json:"namespace,omitempty"` // of Kubernetes
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
	ID        string `json:"id,omitempty"` // the engine's, of the pod or its sandbox
	Attempt   uint32 `json:"attempt"`      // how often the container had been started before
}

type networkInfo struct {
	Network   string   `json:"network,omitempty"`
	Interface string   `json:"interface,omitempty"`
	Addresses []string `json:"addresses"`
	Gateways  []string `json:"gateways"`
	MAC       string   `json:"mac,omitempty"`
}

func containerOf(ck *decoder.Checkpoint) containerInfo {
	c := ck.Container
	info := containerInfo{
		Container: c.Name, ID: c.ID, Image: c.Image, ImageID: c.ImageID, Engine: c.Engine, Runtime: c.Runtime, RestartPolicy: c.RestartPolicy,
		Created: stamp(c.Created), Started: stamp(c.Started), Restored: stamp(c.Restored), Checkpointed: cmp.Or(stamp(c.Checkpointed), stamp(ck.Time)),
		IP: []string{}, MAC: []string{}, Networks: []networkInfo{}, Ports: []string{}, CreateCommand: list(c.CreateCommand),
		Labels: map[string]string{}, Annotations: map[string]string{}, ImageAnnotations: c.ImageAnnotations,
	}
	maps.Copy(info.Labels, c.Labels)
	if c.Spec != nil {
		maps.Copy(info.Annotations, c.Spec.Annotations)
	}
	if p := c.Pod; p != nil {
		info.Pod = &podInfo{p.Namespace, p.Name, p.UID, p.ID, p.Attempt}
		if p.Container != "" && p.Container != c.Name {
			info.Container, info.FullName = p.Container, c.Name
		}
	}
	if len(ck.UTS) > 0 {
		info.Hostname = ck.UTS[0].NodeName
	}
	for _, i := range c.Interfaces {
		info.Networks = append(info.Networks, networkInfo{i.Network, i.Name, list(i.Addresses), list(i.Gateways), i.MAC})
		for _, a := range i.Addresses {
			ip, _, _ := strings.Cut(a, "/")
			info.IP = append(info.IP, ip)
		}
		if i.MAC != "" {
			info.MAC = append(info.MAC, i.MAC)
		}
	}
	for _, p := range c.Ports {
		info.Ports = append(info.Ports, portText(p))
	}
	return info
}

// portText is a port, or several in a row, as `podman ps` shows them.
func portText(p decoder.Port) string {
	ports := func(first uint16) string {
		if p.Range > 1 {
			return fmt.Sprintf("%d-%d", first, int(first)+int(p.Range)-1)
		}
		return fmt.Sprint(first)
	}
	text := ports(p.HostPort) + "->" + ports(p.ContainerPort) + "/" + p.Protocol
	if strings.Contains(p.HostIP, ":") {
		return "[" + p.HostIP + "]:" + text
	} else if p.HostIP != "" {
		return p.HostIP + ":" + text
	}
	return text
}
