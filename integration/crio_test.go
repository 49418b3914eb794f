package integration

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// crio returns counter's archive as CRI-O would have written it, on a node of
// Kubernetes. It is made once a run.
//
// Source: cri-o, internal/lib/checkpoint.go:prepareCheckpointExport,
// exportCheckpoint; internal/factory/container/container.go:SpecAddAnnotations.
func crio(t testing.TB) string {
	t.Helper()
	require(t, "zstd")
	path, err := crioOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var crioOnce = sync.OnceValues(func() (string, error) {
	const counter = "testdata/counter/checkpoint.tar.zst"
	plain := filepath.Join(scratch, "counter.tar")
	if err := exec.Command("zstd", "-dqf", counter, "-o", plain).Run(); err != nil {
		return "", err
	}
	path := filepath.Join(scratch, "checkpoint-counters_default-counter-2026-11-23T16:38:44Z.tar")
	return path, asCRIO(plain, path)
})

// crioID is the container's; what else is in its place names no real thing.
const crioID = "71c5f93157656b65210ef7dbe0b4ff5fbbe40d692971f0b972364df13e1dea72"

// asCRIO copies an archive of Podman, and changes in it what CRI-O has
// otherwise: it has the log under the name of its annotation, what was mounted
// from the host in bind.mounts, CRIU's log, and no network.status and nothing
// of /dev/shm.
func asCRIO(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	r, w := tar.NewReader(in), tar.NewWriter(out)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(h.Name, "artifacts"), h.Name == "network.status", h.Name == "devshm-checkpoint.tar":
			continue
		case h.Name == "config.dump":
			content = toJSON(crioConfig)
		case h.Name == "spec.dump":
			if content, err = crioSpec(content); err != nil {
				return err
			}
		case h.Name == "ctr.log":
			h.Name = "io.kubernetes.cri-o.LogPath"
		}
		if err := writeMember(w, h, content); err != nil {
			return err
		}
	}
	for name, content := range map[string][]byte{"dump.log": []byte("(00.000000) Version: 4.2.1\n"), "bind.mounts": toJSON(crioMounts)} {
		if err := writeMember(w, &tar.Header{Name: name, Mode: 0o600}, content); err != nil {
			return err
		}
	}
	return w.Close()
}

func writeMember(w *tar.Writer, h *tar.Header, content []byte) error {
	h.Size = int64(len(content))
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

func toJSON(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return b
}

// crioConfig is config.dump: metadata.ContainerConfig of checkpointctl.
var crioConfig = map[string]any{
	"id":               crioID,
	"name":             "k8s_counter_counters_default_0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e_0",
	"rootfsImage":      "quay.io/example/counter:blog",
	"rootfsImageRef":   "c5abaa9fc1c8c0274f45b0c73e24db813b4c06d8a6a8aff7eb7c39ee51ec04f7",
	"rootfsImageName":  "quay.io/example/counter:blog",
	"runtime":          "runc",
	"createdTime":      "2026-11-23T16:38:41.50313983Z",
	"checkpointedTime": "2026-11-23T16:38:44.412Z",
	"restoredTime":     "0001-01-01T00:00:00Z",
	"restored":         false,
}

// crioMounts is bind.mounts: []lib.ExternalBindMount.
var crioMounts = []map[string]any{
	{"source": "/var/run/containers/storage/overlay-containers/pod/userdata/resolv.conf", "destination": "/etc/resolv.conf", "file_type": "file", "permissions": 0o644},
	{"source": "/var/lib/kubelet/pods/0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e/etc-hosts", "destination": "/etc/hosts", "file_type": "file", "permissions": 0o644},
	{
		"source":      "/var/lib/kubelet/pods/0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e/volumes/kubernetes.io~projected/kube-api-access",
		"destination": "/var/run/secrets/kubernetes.io/serviceaccount", "file_type": "directory", "permissions": 0o777,
	},
}

// crioSpec puts CRI-O's annotations in place of Podman's.
func crioSpec(podman []byte) ([]byte, error) {
	var spec map[string]any
	if err := json.Unmarshal(podman, &spec); err != nil {
		return nil, err
	}
	spec["annotations"] = map[string]string{
		"io.container.manager":                 "cri-o",
		"io.kubernetes.container.name":         "counter",
		"io.kubernetes.pod.name":               "counters",
		"io.kubernetes.pod.namespace":          "default",
		"io.kubernetes.pod.uid":                "0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e",
		"io.kubernetes.cri-o.ContainerID":      crioID,
		"io.kubernetes.cri-o.ContainerType":    "container",
		"io.kubernetes.cri-o.Created":          "2026-11-23T16:38:41.50313983Z",
		"io.kubernetes.cri-o.IP.0":             "10.85.0.7",
		"io.kubernetes.cri-o.Image":            "quay.io/example/counter:blog",
		"io.kubernetes.cri-o.ImageName":        "quay.io/example/counter:blog",
		"io.kubernetes.cri-o.ImageRef":         "c5abaa9fc1c8c0274f45b0c73e24db813b4c06d8a6a8aff7eb7c39ee51ec04f7",
		"io.kubernetes.cri-o.KubeName":         "counters",
		"io.kubernetes.cri-o.LogPath":          "/var/log/pods/default_counters_0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e/counter/0.log",
		"io.kubernetes.cri-o.Metadata":         `{"name":"counter"}`,
		"io.kubernetes.cri-o.MountPoint":       "/var/lib/containers/storage/overlay/1b9f/merged",
		"io.kubernetes.cri-o.Name":             "k8s_counter_counters_default_0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e_0",
		"io.kubernetes.cri-o.Namespace":        "default",
		"io.kubernetes.cri-o.SandboxID":        "f2e4a8f0c2c14ad6b6f0b0e3fd3e1be6f9bd4ae4d9e0ab9d4d0e6d6f4a8b2c1d",
		"io.kubernetes.cri-o.SandboxName":      "k8s_POD_counters_default_0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e_0",
		"io.kubernetes.cri-o.Stdin":            "false",
		"io.kubernetes.cri-o.StdinOnce":        "false",
		"io.kubernetes.cri-o.TTY":              "false",
		"io.kubernetes.container.hash":         "5f9c6b1a",
		"io.kubernetes.container.restartCount": "0",
	}
	return json.Marshal(spec)
}

// CRI-O's archive of a container is the same checkpoint as Podman's, but for
// what CRI-O does not keep: /dev/shm.
func TestCRIO(t *testing.T) {
	root, podman := mountedOnce(t, crio(t)), sharedMount(t, "counter")
	checkFacts(t, root, facts{
		Container: "counter", Image: "quay.io/example/counter:blog", Engine: "CRI-O", Runtime: "runc",
		Hostname: strings.TrimSpace(read(t, truth(t, "counter"), "hostname")),
		IP:       []string{"10.85.0.7"}, Pod: podFacts{"default", "counters", "0c0ef7a5-3fd5-4b64-bb35-1c8b0f0f3d2e"},
		Archive: archiveFacts{"tar", "", 12697600, 419840},
	})
	const processes = `ls procs; cat stats warnings ns/uts rootfs-deleted; cat procs/*/{comm,cmdline,maps,status,mem.idx} 2>/dev/null | sha256sum; cat procs/*/mem.d/* | sha256sum`
	if got, want := shell(t, root, processes), shell(t, podman, processes); got != want {
		t.Errorf("the processes are not those of Podman's archive: %s", firstDifference(got, want))
	}
	const files = `cd rootfs-diff; find . -type f -exec sha256sum {} + | sort -k2`
	if got, want := shell(t, root, files), shell(t, podman, files); got != want {
		t.Errorf("rootfs-diff is not that of Podman's archive: %s", firstDifference(got, want))
	}
	if got := read(t, root, "archive", "io.kubernetes.cri-o.LogPath"); got != read(t, podman, "archive", "ctr.log") {
		t.Errorf("the container's log is %q", got)
	}
}
