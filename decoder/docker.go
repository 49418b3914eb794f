package decoder

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// dockerConfig is Docker's configuration of a container, in the container's
// folder /var/lib/docker/containers/ID.
const dockerConfig = "config.v2.json"

// dockerState is config.v2.json.
//
// Source: moby, container/container.go:Container.
type dockerState struct {
	ID, Name, Created, Image, Path, LogPath string
	Args                                    []string
	State                                   struct{ StartedAt string }
	Config                                  struct {
		Hostname, Domainname, Image, WorkingDir string
		Env                                     []string
		Labels                                  map[string]string
		Tty                                     bool
	}
	MountPoints map[string]struct {
		Source, Destination, Type string
		RW                        bool
	}
	NetworkSettings struct {
		Networks map[string]struct {
			IPAddress, Gateway, GlobalIPv6Address, IPv6Gateway, MacAddress string
			IPPrefixLen, GlobalIPv6PrefixLen                               int
		}
	}
}

// dockerFacts are the facts in the folder of a Docker container. There is no
// specification of the container: what Docker says in its own words is put
// into the words of one.
//
// Source: moby, api/types/container/hostconfig.go:HostConfig.
func (l *loader) dockerFacts(c *Container) {
	var state dockerState
	var host struct {
		Runtime       string
		RestartPolicy struct {
			Name              string
			MaximumRetryCount int
		}
	}
	if !l.metadata(dockerConfig, &state) {
		return
	}
	l.metadata("hostconfig.json", &host)
	c.ID, c.Name, c.Image, c.ImageID = state.ID, strings.TrimPrefix(state.Name, "/"), state.Config.Image, state.Image
	c.Engine, c.Runtime, c.Labels = "Docker", host.Runtime, state.Config.Labels
	if c.RestartPolicy = host.RestartPolicy.Name; host.RestartPolicy.MaximumRetryCount > 0 {
		c.RestartPolicy += fmt.Sprintf(":%d", host.RestartPolicy.MaximumRetryCount)
	}
	c.Created = l.timestamp(dockerConfig, "Created", state.Created)
	c.Started = l.timestamp(dockerConfig, "State.StartedAt", state.State.StartedAt)
	if log := path.Join(l.source.top, path.Base(state.LogPath)); l.member(log) != nil {
		c.Log = l.mountPath(log)
	}
	c.Interfaces = state.interfaces()
	c.Spec = state.spec()
}

func (s *dockerState) spec() *specs.Spec {
	spec := &specs.Spec{
		Hostname: s.Config.Hostname, Domainname: s.Config.Domainname,
		Process: &specs.Process{
			Terminal: s.Config.Tty,
			Args:     append([]string{s.Path}, s.Args...),
			Env:      s.Config.Env, Cwd: cmp.Or(s.Config.WorkingDir, "/"),
		},
	}
	for _, point := range slices.Sorted(maps.Keys(s.MountPoints)) {
		m := s.MountPoints[point]
		access := "ro"
		if m.RW {
			access = "rw"
		}
		spec.Mounts = append(spec.Mounts, specs.Mount{Destination: m.Destination, Type: m.Type, Source: m.Source, Options: []string{access}})
	}
	return spec
}

func (s *dockerState) interfaces() (list []Interface) {
	for _, name := range slices.Sorted(maps.Keys(s.NetworkSettings.Networks)) {
		n := s.NetworkSettings.Networks[name]
		i := Interface{Network: name, MAC: n.MacAddress}
		if n.IPAddress != "" {
			i.Addresses = append(i.Addresses, fmt.Sprintf("%s/%d", n.IPAddress, n.IPPrefixLen))
		}
		if n.GlobalIPv6Address != "" {
			i.Addresses = append(i.Addresses, fmt.Sprintf("%s/%d", n.GlobalIPv6Address, n.GlobalIPv6PrefixLen))
		}
		for _, gateway := range []string{n.Gateway, n.IPv6Gateway} {
			if gateway != "" {
				i.Gateways = append(i.Gateways, gateway)
			}
		}
		if i.Addresses != nil || i.MAC != "" {
			list = append(list, i)
		}
	}
	return list
}
