package decoder

import (
	"cmp"
	"fmt"
	"time"
)

// Pod is the pod that a container belongs to. Fields that the checkpoint does
// not have are empty.
//
// Sources: the annotations of spec.dump, and containerd's status.dump.
type Pod struct {
	Namespace string // of Kubernetes
	Name      string
	UID       string
	ID        string // the engine's, of the pod or its sandbox
	Container string // the container's name in the pod
	Attempt   uint32 // how often the container had been started before
}

// kubernetes fills in what Kubernetes and its engines write: annotations of
// CRI-O begin with io.kubernetes.cri-o, those of containerd with
// io.kubernetes.cri, and the kubelet's own with io.kubernetes.pod and
// io.kubernetes.container. podID is that of a pod of Podman.
//
// Sources: CRI-O's internal/annotations, containerd's internal/cri/annotations,
// kubernetes' pkg/kubelet/types/labels.go.
func (l *loader) kubernetes(c *Container, podID string) {
	var annotations map[string]string
	if c.Spec != nil {
		annotations = c.Spec.Annotations
	}
	status := l.criStatus(c)
	first := func(keys ...string) string {
		for _, from := range []map[string]string{annotations, status.Labels} {
			for _, k := range keys {
				if from[k] != "" {
					return from[k]
				}
			}
		}
		return ""
	}
	fromJSON := func(key string, v any) {
		if text := annotations[key]; text != "" {
			l.json("spec.dump: annotation "+key, []byte(text), v)
		}
	}
	metadata, labels := status.Metadata, status.Labels
	var kubelet map[string]string // annotations
	if c.Engine == "CRI-O" {
		fromJSON("io.kubernetes.cri-o.Metadata", &metadata)
		fromJSON("io.kubernetes.cri-o.Labels", &labels)
		fromJSON("io.kubernetes.cri-o.Annotations", &kubelet)
		c.Interfaces = append(c.Interfaces, crioAddresses(annotations)...)
		if c.Created.IsZero() {
			c.Created = l.timestamp("spec.dump", "io.kubernetes.cri-o.Created", annotations["io.kubernetes.cri-o.Created"])
		}
	}
	if c.Labels == nil {
		c.Labels = labels
	}
	c.Image = cmp.Or(c.Image, first("io.kubernetes.cri-o.ImageName", "io.kubernetes.cri.image-name"))
	pod := Pod{
		Namespace: first("io.kubernetes.pod.namespace", "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri-o.Namespace"),
		Name:      first("io.kubernetes.pod.name", "io.kubernetes.cri.sandbox-name", "io.kubernetes.cri-o.KubeName"),
		UID:       first("io.kubernetes.pod.uid", "io.kubernetes.cri.sandbox-uid"),
		ID:        cmp.Or(podID, first("io.kubernetes.cri-o.SandboxID", "io.kubernetes.cri.sandbox-id")),
		Container: cmp.Or(metadata.Name, first("io.kubernetes.cri.container-name", "io.kubernetes.container.name")),
		Attempt:   metadata.Attempt,
	}
	if pod != (Pod{}) {
		c.Pod = &pod
	}
	if c.RestartPolicy == "" {
		c.RestartPolicy = l.appliedRestartPolicy(cmp.Or(annotations[appliedManifest], kubelet[appliedManifest]))
	}
}

// appliedManifest is the annotation with what kubectl applied, if somebody
// applied the pod itself.
const appliedManifest = "kubectl.kubernetes.io/last-applied-configuration"

// appliedRestartPolicy is the policy in the manifest of a pod; "" without one.
func (l *loader) appliedRestartPolicy(manifest string) string {
	var pod struct {
		Spec struct {
			RestartPolicy string `json:"restartPolicy"`
		} `json:"spec"`
	}
	if manifest != "" {
		l.json("spec.dump: annotation "+appliedManifest, []byte(manifest), &pod)
	}
	return pod.Spec.RestartPolicy
}

// crioAddresses are those of the pod: io.kubernetes.cri-o.IP.0 and on, or
// io.kubernetes.cri-o.IP in older versions.
func crioAddresses(annotations map[string]string) (list []Interface) {
	const key = "io.kubernetes.cri-o.IP"
	var addresses []string
	if ip := annotations[key]; ip != "" {
		addresses = append(addresses, ip)
	}
	for i := 0; annotations[fmt.Sprintf("%s.%d", key, i)] != ""; i++ {
		addresses = append(addresses, annotations[fmt.Sprintf("%s.%d", key, i)])
	}
	if addresses == nil {
		return nil
	}
	return []Interface{{Addresses: addresses}}
}

// criMetadata is the ContainerMetadata of the Container Runtime Interface.
type criMetadata struct {
	Name    string `json:"name"`
	Attempt uint32 `json:"attempt"`
}

// criStatus is containerd's status.dump: the ContainerStatus of the Container
// Runtime Interface (cri-api/pkg/apis/runtime/v1), times in nanoseconds.
type criStatus struct {
	Metadata  criMetadata       `json:"metadata"`
	CreatedAt int64             `json:"created_at"`
	StartedAt int64             `json:"started_at"`
	Labels    map[string]string `json:"labels"`
}

// criStatus decodes what containerd writes of the container's state, and fills
// in the times. Its older file, status, has no more than those
// (internal/cri/store/container/status.go).
func (l *loader) criStatus(c *Container) (status criStatus) {
	if c.Engine != "containerd" {
		return status
	}
	var older struct{ CreatedAt, StartedAt int64 }
	l.metadata("status.dump", &status)
	l.metadata("status", &older)
	nanoseconds := func(list ...int64) time.Time {
		if n := cmp.Or(list...); n != 0 {
			return time.Unix(0, n).UTC()
		}
		return time.Time{}
	}
	c.Started = nanoseconds(status.StartedAt, older.StartedAt)
	if c.Created.IsZero() {
		c.Created = nanoseconds(status.CreatedAt, older.CreatedAt)
	}
	return status
}
