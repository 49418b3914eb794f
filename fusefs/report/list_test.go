package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

func brief(t *testing.T, spec string) *decoder.Checkpoint {
	t.Helper()
	return decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1}, {PID: 2, PPID: 1}},
		Members: map[string][]byte{
			"config.dump": []byte(`{"name": "k8s_web_pod_ns_0", "rootfsImageName": "docker.io/web:1", "checkpointedTime": "2026-11-23T16:38:45Z"}`),
			"spec.dump":   []byte(spec),
		},
	}.OpenWith(t, decoder.Options{Brief: true, Spool: archive.Options{}})
}

// The names that Kubernetes gives are those of its runtimes' annotations.
func TestDescribe(t *testing.T) {
	for _, test := range []struct{ name, spec, container, pod, namespace, engine string }{
		{"Podman", `{"annotations": {"io.container.manager": "libpod"}}`, "k8s_web_pod_ns_0", "", "", "Podman"},
		{
			"CRI-O", `{"annotations": {"io.container.manager": "cri-o", "io.kubernetes.container.name": "web",
				"io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "prod"}}`,
			"web", "web-1", "prod", "CRI-O",
		},
		{
			"containerd", `{"annotations": {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "web",
				"io.kubernetes.cri.sandbox-name": "web-1", "io.kubernetes.cri.sandbox-namespace": "prod"}}`,
			"web", "web-1", "prod", "containerd",
		},
	} {
		var l Line
		l.Describe(brief(t, test.spec))
		if l.Container != test.container || l.Pod != test.pod || l.Namespace != test.namespace || l.Engine != test.engine ||
			l.Image != "docker.io/web:1" || l.Checkpointed != "2026-11-23T16:38:45Z" || l.Processes == nil || *l.Processes != 2 || l.Size == 0 {
			t.Errorf("%s: %+v", test.name, l)
		}
	}
}

// Without the process tree it is not known how many processes there are.
func TestDescribeWithoutTree(t *testing.T) {
	var l Line
	l.Describe(decodertest.Checkpoint{Members: map[string][]byte{"checkpoint/pstree.img": nil}}.OpenWith(t, decoder.Options{Brief: true}))
	if l.Processes != nil {
		t.Errorf("%d processes, want that this is not known", *l.Processes)
	}
}

func TestListText(t *testing.T) {
	lines := []Line{
		{Name: "a.tar", Container: "web", Pod: "p", Namespace: "n", Engine: "CRI-O", Image: "i", Checkpointed: "now", Processes: new(12), Size: 345},
		{Name: "evil\n\x1b[2J", Error: "a very long error, which makes no column of the table any wider\n"},
		{Name: "ü.tar", Image: "something long", Size: 1},
	}
	want := strings.Join([]string{
		`NAME             CONTAINER  POD  NAMESPACE  ENGINE  IMAGE           CHECKPOINTED  PROCESSES  SIZE`,
		`a.tar            web        p    n          CRI-O   i               now           12         345`,
		`evil\x0a\x1b[2J  error: a very long error, which makes no column of the table any wider\x0a`,
		`ü.tar            -          -    -          -       something long  -             -          1`,
		``,
	}, "\n")
	var b bytes.Buffer
	if err := List(&b, lines); err != nil || b.String() != want {
		t.Errorf("List = %v\n%s\nwant\n%s", err, b.String(), want)
	}
	b.Reset()
	var got []Line
	if err := ListJSON(&b, lines); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || len(got) != len(lines) || got[1] != lines[1] {
		t.Errorf("ListJSON: %v, %+v", err, got)
	}
	if strings.Contains(b.String(), "base64") {
		t.Errorf("ListJSON of names in UTF-8 = %s", b.String())
	}
	b.Reset()
	if err := ListJSON(&b, []Line{{Name: "\xff.tar"}}); err != nil || !strings.Contains(b.String(), `"name_base64": "/y50YXI="`) {
		t.Errorf("ListJSON of a name that is not UTF-8 = %v, %s", err, b.String())
	}
	b.Reset()
	if err := ListJSON(&b, []Line{}); err != nil || b.String() != "[]\n" {
		t.Errorf("ListJSON of none = %v, %q", err, b.String())
	}
}
