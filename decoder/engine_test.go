package decoder_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ckptfs/ckptfs/decoder"
)

// crioConfig is what CRI-O and containerd write with checkpointctl's library.
const crioConfig = `{"id": "0a1b", "name": "k8s_counter_counters_default_3f_2", "rootfsImage": "quay.io/adrianreber/counter:blog",
	"rootfsImageRef": "sha256:77", "rootfsImageName": "quay.io/adrianreber/counter:blog", "runtime": "runc",
	"createdTime": "2026-11-23T16:38:41.5Z", "checkpointedTime": "2026-11-23T16:40:00Z",
	"restoredTime": "0001-01-01T00:00:00Z", "restored": false}`

// Each engine writes the same facts in its own way.
func TestContainer(t *testing.T) {
	created, checkpointed := time.Date(2026, 11, 23, 16, 38, 41, 5e8, time.UTC), time.Date(2026, 11, 23, 16, 40, 0, 0, time.UTC)
	for _, row := range []struct {
		name    string
		members map[string]string
		want    decoder.Container
	}{
		{"Podman", map[string]string{
			"config.dump": `{"id": "71c5", "name": "counter", "pod": "99", "rootfsImageName": "localhost/counter:blog", "rootfsImageID": "7cab",
				"runtime": "crun", "createdTime": "2026-11-23T16:38:41.5Z", "conmonPidFile": "/run/pid", "labels": {"l": "1"},
				"restart_policy": "on-failure", "restart_retries": 3, "CreateCommand": ["podman", "run"],
				"newPortMappings": [{"host_ip": "", "container_port": 80, "host_port": 8080, "range": 1, "protocol": "tcp"}]}`,
			"network.status": `{"net2": {"interfaces": {"eth1": {"subnets": [{"ipnet": "10.89.1.2/24", "gateway": "10.89.1.1"}], "mac_address": "5e:b7:fe:ee:e0:d8"}}},
				"net1": {"interfaces": {"eth0": {"subnets": [{"ipnet": "10.89.0.2/24"}, {"ipnet": "fd00::2/64"}]}}}}`,
			"ctr.log": "hello\n",
		}, decoder.Container{
			ID: "71c5", Name: "counter", Image: "localhost/counter:blog", ImageID: "7cab", Runtime: "crun", Engine: "Podman",
			RestartPolicy: "on-failure:3", Created: created, CreateCommand: []string{"podman", "run"}, Log: "archive/ctr.log",
			Interfaces: []decoder.Interface{
				{Network: "net1", Name: "eth0", Addresses: []string{"10.89.0.2/24", "fd00::2/64"}},
				{Network: "net2", Name: "eth1", Addresses: []string{"10.89.1.2/24"}, Gateways: []string{"10.89.1.1"}, MAC: "5e:b7:fe:ee:e0:d8"},
			},
			Ports:  []decoder.Port{{HostPort: 8080, ContainerPort: 80, Range: 1, Protocol: "tcp"}},
			Labels: map[string]string{"l": "1"}, Pod: &decoder.Pod{ID: "99"},
		}},
		{"CRI-O", map[string]string{
			"config.dump": crioConfig,
			"spec.dump": `{"annotations": {"io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.name": "counters",
				"io.kubernetes.pod.uid": "3f", "io.kubernetes.cri-o.SandboxID": "5a", "io.kubernetes.cri-o.IP.0": "10.0.0.4", "io.kubernetes.cri-o.IP.1": "fd00::4",
				"io.kubernetes.cri-o.Metadata": "{\"name\":\"counter\",\"attempt\":2}", "io.kubernetes.cri-o.Labels": "{\"io.kubernetes.container.name\":\"counter\"}",
				"io.kubernetes.cri-o.Annotations": "{\"kubectl.kubernetes.io/last-applied-configuration\":\"{\\\"spec\\\":{\\\"restartPolicy\\\":\\\"Never\\\"}}\"}"}}`,
			"io.kubernetes.cri-o.LogPath": "hello\n",
		}, decoder.Container{
			ID: "0a1b", Name: "k8s_counter_counters_default_3f_2", Image: "quay.io/adrianreber/counter:blog", ImageID: "sha256:77", Runtime: "runc",
			Engine: "CRI-O", RestartPolicy: "Never", Created: created, Checkpointed: checkpointed, Log: "archive/io.kubernetes.cri-o.LogPath",
			Interfaces: []decoder.Interface{{Addresses: []string{"10.0.0.4", "fd00::4"}}},
			Labels:     map[string]string{"io.kubernetes.container.name": "counter"},
			Pod:        &decoder.Pod{Namespace: "default", Name: "counters", UID: "3f", ID: "5a", Container: "counter", Attempt: 2},
		}},
		{"containerd", map[string]string{
			"config.dump": crioConfig,
			"spec.dump": `{"annotations": {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-namespace": "default",
				"io.kubernetes.cri.sandbox-name": "counters", "io.kubernetes.cri.sandbox-uid": "3f", "io.kubernetes.cri.sandbox-id": "5a",
				"io.kubernetes.cri.container-name": "counter"}}`,
			"status.dump":   `{"id": "0a1b", "metadata": {"name": "counter", "attempt": 1}, "state": 1, "created_at": 5, "started_at": 1795451922000000000, "labels": {"app": "c"}}`,
			"status":        `{"Version": "v1", "Pid": 4711, "CreatedAt": 6, "StartedAt": 7}`,
			"container.log": "hello\n",
		}, decoder.Container{
			ID: "0a1b", Name: "k8s_counter_counters_default_3f_2", Image: "quay.io/adrianreber/counter:blog", ImageID: "sha256:77", Runtime: "runc",
			Engine: "containerd", Created: created, Started: time.Date(2026, 11, 23, 16, 38, 42, 0, time.UTC), Checkpointed: checkpointed, Log: "archive/container.log",
			Labels: map[string]string{"app": "c"},
			Pod:    &decoder.Pod{Namespace: "default", Name: "counters", UID: "3f", ID: "5a", Container: "counter", Attempt: 1},
		}},
		{"containerd before status.dump", map[string]string{
			"spec.dump": `{"annotations": {"io.kubernetes.cri.container-type": "container"}}`,
			"status":    `{"CreatedAt": 1795451921500000000, "StartedAt": 1795451922000000000}`,
		}, decoder.Container{Engine: "containerd", Created: created, Started: time.Date(2026, 11, 23, 16, 38, 42, 0, time.UTC)}},
		{"a bare dump", nil, decoder.Container{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			ck := openWith(t, row.members)
			got := ck.Container
			got.Spec = nil
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("Container = %+v (pod %+v), want %+v (pod %+v)", got, got.Pod, row.want, row.want.Pod)
			}
			if warnings := ck.Warnings.List(); len(warnings) > 0 {
				t.Errorf("Warnings = %q, want none", warnings)
			}
		})
	}
}

// A damaged annotation costs what it says, and is warned of.
func TestContainerDamaged(t *testing.T) {
	ck := openWith(t, map[string]string{"spec.dump": `{"annotations": {"io.container.manager": "cri-o", "io.kubernetes.pod.name": "p",
		"io.kubernetes.cri-o.Metadata": "{\"name\":", "io.kubernetes.cri-o.Labels": "[1]"}}`})
	if pod := ck.Container.Pod; pod == nil || *pod != (decoder.Pod{Name: "p"}) {
		t.Errorf("Pod = %+v, want one with a name alone", pod)
	}
	warnings := strings.Join(ck.Warnings.List(), "\n")
	for _, want := range []string{"annotation io.kubernetes.cri-o.Metadata: unexpected end", "annotation io.kubernetes.cri-o.Labels: json: cannot unmarshal"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("Warnings = %q, want one that contains %q", warnings, want)
		}
	}
}
