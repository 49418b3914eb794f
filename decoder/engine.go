package decoder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// maxMetadata bounds what is read of a metadata member; Podman's are of some
// 25 KB.
const maxMetadata = 16 << 20

// Container is what the engine wrote about the container. Fields that the
// checkpoint does not have are empty.
//
// Sources: config.dump (Podman's ContainerConfig, CRI-O's and containerd's
// ContainerConfig of checkpointctl's metadata) and spec.dump (the OCI runtime
// specification).
type Container struct {
	ID, Name     string
	Image        string // name of the image
	ImageID      string
	Runtime      string // runc, crun
	Engine       string // Podman, CRI-O, containerd
	Created      time.Time
	Checkpointed time.Time
	IP, MAC      []string
	Spec         *specs.Spec // nil where there is none
}

// container decodes the engine's metadata.
func (l *loader) container() Container {
	var c Container
	var config struct {
		ID               string `json:"id"`
		Name             string `json:"name"`
		RootfsImage      string `json:"rootfsImage"`
		RootfsImageName  string `json:"rootfsImageName"`
		RootfsImageID    string `json:"rootfsImageID"`
		RootfsImageRef   string `json:"rootfsImageRef"`
		Runtime          string `json:"runtime"`
		OCIRuntime       string `json:"ociRuntime"`
		CreatedTime      string `json:"createdTime"`
		CheckpointedTime string `json:"checkpointedTime"`
		ConmonPidFile    string `json:"conmonPidFile"`
		NamedVolumes     []struct {
			Name string `json:"volumeName"`
			Dest string `json:"dest"`
		} `json:"namedVolumes"`
	}
	if l.metadata("config.dump", &config) {
		c.ID, c.Name = config.ID, config.Name
		c.Image = cmp.Or(config.RootfsImageName, config.RootfsImage)
		c.ImageID = cmp.Or(config.RootfsImageID, config.RootfsImageRef)
		c.Runtime = cmp.Or(config.OCIRuntime, config.Runtime)
		c.Created = l.timestamp("config.dump", "createdTime", config.CreatedTime)
		c.Checkpointed = l.timestamp("config.dump", "checkpointedTime", config.CheckpointedTime)
		l.volumes = make(map[string]string)
		for _, v := range config.NamedVolumes {
			l.volumes[path.Clean(v.Dest)] = path.Join("volumes", v.Name+".tar")
		}
	}
	var spec specs.Spec
	if l.metadata("spec.dump", &spec) {
		c.Spec = &spec
	}
	c.Engine = engine(config.ConmonPidFile != "", c.Spec)
	c.IP, c.MAC = l.network()
	return c
}

// engine tells who wrote the checkpoint, by what only that one writes.
func engine(podman bool, spec *specs.Spec) string {
	if spec != nil {
		switch spec.Annotations["io.container.manager"] {
		case "cri-o":
			return "CRI-O"
		case "libpod":
			return "Podman"
		}
		if spec.Annotations["io.kubernetes.cri.container-type"] != "" {
			return "containerd"
		}
	}
	if podman {
		return "Podman"
	}
	return ""
}

// network is the addresses of the container by Podman's network.status.
func (l *loader) network() (ip, mac []string) {
	var networks map[string]struct {
		Interfaces map[string]struct {
			Subnets []struct {
				IPNet string `json:"ipnet"`
			} `json:"subnets"`
			MAC string `json:"mac_address"`
		} `json:"interfaces"`
	}
	if !l.metadata("network.status", &networks) {
		return nil, nil
	}
	for _, network := range sortedKeys(networks) {
		interfaces := networks[network].Interfaces
		for _, name := range sortedKeys(interfaces) {
			for _, s := range interfaces[name].Subnets {
				address, _, _ := strings.Cut(s.IPNet, "/")
				ip = append(ip, address)
			}
			if m := interfaces[name].MAC; m != "" {
				mac = append(mac, m)
			}
		}
	}
	return ip, mac
}

// metadata decodes a member in JSON into v. Without the member it gives
// false; with a damaged one, false and a warning.
func (l *loader) metadata(name string, v any) bool {
	m := l.member(name)
	if m == nil {
		return false
	}
	if m.Size() > maxMetadata {
		l.warn.Addf("%s: larger than %d bytes, not decoded", name, maxMetadata)
		return false
	}
	data, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		l.warn.Add(fmt.Errorf("%s: %w", name, err))
	}
	// A value of another type than it should have is left out, and no more.
	var mistyped *json.UnmarshalTypeError
	return err == nil || errors.As(err, &mistyped)
}

// timestamp is a time in RFC 3339, or the zero time.
func (l *loader) timestamp(name, field, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		l.warn.Addf("%s: %s: %w", name, field, err)
	}
	return t
}
