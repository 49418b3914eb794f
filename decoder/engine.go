package decoder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// What is read of a metadata member, in bytes. Those of Podman and CRI-O are of
// some 25 KB. Values take up to forty times as much memory as their text.
const (
	maxMetadata     = 4 << 20
	maxDeletedFiles = 16 << 20
)

// Container is what the engine wrote about the container. Fields that the
// checkpoint does not have are empty.
//
// Sources: config.dump, spec.dump (the OCI runtime specification),
// network.status, and of containerd status.dump and status.
type Container struct {
	ID            string
	Name          string // the engine's; in a pod the short one is Pod.Container
	Image         string // name of the image
	ImageID       string
	Runtime       string // runc, crun
	Engine        string // Podman, CRI-O, containerd, Docker
	RestartPolicy string // no, on-failure:3, Always
	Created       time.Time
	Started       time.Time
	Checkpointed  time.Time
	Restored      time.Time // when it was restored from an earlier checkpoint
	Interfaces    []Interface
	Ports         []Port
	CreateCommand []string // the command line that made the container
	Labels        map[string]string
	Pod           *Pod        // nil where it is in none
	Log           string      // what the container printed: a path in the mount
	Spec          *specs.Spec // nil where there is none

	// ImageAnnotations are what engines say of the checkpoint, and of the host
	// that it was taken on, in the annotations of the OCI image that holds it.
	ImageAnnotations map[string]string
}

// configDump is config.dump: Podman's libpod.ContainerConfig, or the
// ContainerConfig of checkpointctl/lib/metadata.go, which CRI-O and containerd
// write.
type configDump struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Pod              string            `json:"pod"`
	CreateCommand    []string          `json:"CreateCommand"`
	Labels           map[string]string `json:"labels"`
	RootfsImage      string            `json:"rootfsImage"`
	RootfsImageName  string            `json:"rootfsImageName"`
	RootfsImageID    string            `json:"rootfsImageID"`
	RootfsImageRef   string            `json:"rootfsImageRef"`
	Runtime          string            `json:"runtime"`
	OCIRuntime       string            `json:"ociRuntime"`
	RestartPolicy    string            `json:"restart_policy"`
	RestartRetries   uint              `json:"restart_retries"`
	CreatedTime      string            `json:"createdTime"`
	CheckpointedTime string            `json:"checkpointedTime"`
	RestoredTime     string            `json:"restoredTime"`
	ConmonPidFile    string            `json:"conmonPidFile"`
	Ports            []Port            `json:"newPortMappings"`
	NamedVolumes     []struct {
		Name string `json:"volumeName"`
		Dest string `json:"dest"`
	} `json:"namedVolumes"`
}

// container is all that is known about the container: from the engine's
// metadata, and then from what the checkpoint is wrapped in.
func (l *loader) container() Container {
	c := l.engineMetadata()
	for _, tell := range l.source.facts {
		tell(l, &c)
	}
	// In its answer to Kubernetes, too, containerd saves the changes of the
	// root file system as an image layer: internal/cri/server,
	// container_checkpoint_linux.go:writeRootFsDiffTar.
	l.source.layer = l.source.layer || c.Engine == "containerd"
	return c
}

// engineMetadata decodes the engine's metadata.
func (l *loader) engineMetadata() Container {
	var c Container
	var config configDump
	if l.metadata("config.dump", &config) {
		c.ID, c.Name, c.Labels, c.CreateCommand, c.Ports = config.ID, config.Name, config.Labels, config.CreateCommand, config.Ports
		c.Image = cmp.Or(config.RootfsImageName, config.RootfsImage)
		c.ImageID = cmp.Or(config.RootfsImageID, config.RootfsImageRef)
		c.Runtime = cmp.Or(config.OCIRuntime, config.Runtime)
		c.RestartPolicy = config.RestartPolicy
		if config.RestartRetries > 0 {
			c.RestartPolicy = fmt.Sprintf("%s:%d", config.RestartPolicy, config.RestartRetries)
		}
		c.Created = l.timestamp("config.dump", "createdTime", config.CreatedTime)
		c.Checkpointed = l.timestamp("config.dump", "checkpointedTime", config.CheckpointedTime)
		c.Restored = l.timestamp("config.dump", "restoredTime", config.RestoredTime)
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
	c.Interfaces = l.network()
	c.Log = l.log()
	l.kubernetes(&c, config.Pod)
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

// log is where the mount has what the container printed: Podman's, containerd's
// or CRI-O's, which has the name of an annotation.
//
// Sources: libpod/container_internal_common.go, containerd's
// container_checkpoint_linux.go, CRI-O's internal/lib/checkpoint.go.
func (l *loader) log() string {
	for _, name := range []string{"ctr.log", "container.log", "io.kubernetes.cri-o.LogPath"} {
		if name = path.Join(l.source.top, name); l.member(name) != nil {
			return l.mountPath(name)
		}
	}
	return ""
}

// metadata decodes a member in JSON into v. Without the member it gives
// false; with a damaged one, false and a warning.
func (l *loader) metadata(name string, v any) bool {
	name = path.Join(l.source.top, name)
	m := l.member(name)
	if m == nil {
		return false
	}
	limit := int64(maxMetadata)
	if path.Base(name) == deletedFilesName {
		limit = maxDeletedFiles
	}
	if m.Size() > limit {
		l.warn.Addf("%s: larger than %d bytes, not decoded", name, limit)
		return false
	}
	data, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	if err != nil {
		l.warn.Add(fmt.Errorf("%s: %w", name, err))
		return false
	}
	return l.json(name, data, v)
}

// json decodes JSON, which name is the place of, into v.
func (l *loader) json(name string, data []byte, v any) bool {
	err := json.Unmarshal(data, v)
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
