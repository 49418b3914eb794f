package decoder_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

const (
	layer     = v1.MediaTypeImageLayer
	layerGzip = v1.MediaTypeImageLayerGzip
)

// podmans are the annotations of an image of Podman's.
var podmans = map[string]string{
	"io.podman.annotations.checkpoint.name":            "web",
	"io.podman.annotations.checkpoint.rootfsImageName": "localhost/web:1",
	"io.podman.annotations.checkpoint.rootfsImageID":   "1234",
	"io.podman.annotations.checkpoint.runtime.name":    "crun",
	"org.opencontainers.image.created":                 "today",
}

// open opens an archive, and fails the test where that fails.
func open(t *testing.T, archive []byte, name string) *decoder.Checkpoint {
	t.Helper()
	ck, err := decoder.Open(decodertest.OpenArchive(t, archive), decoder.Options{Checkpoint: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

// refused is why an archive is not opened.
func refused(t *testing.T, archive []byte, name string) string {
	t.Helper()
	ck, err := decoder.Open(decodertest.OpenArchive(t, archive), decoder.Options{Checkpoint: name})
	if err == nil {
		ck.Close()
		return "nothing"
	}
	return err.Error()
}

// checkSample checks that a checkpoint is the sample, without warnings, with
// its pages at a place in the mount.
func checkSample(t *testing.T, ck *decoder.Checkpoint, pages string) {
	t.Helper()
	if n, w := len(ck.Processes), ck.Warnings.List(); n != 3 || len(w) > 0 {
		t.Fatalf("%d processes and warnings %q, want 3 and none", n, w)
	}
	if got := ck.Process(1).MM.Capture.Pages.Name; got != pages {
		t.Errorf("pages in %s, want %s", got, pages)
	}
}

func TestOCIImage(t *testing.T) {
	plain := sample().Tar()
	for _, test := range []struct {
		name, mediaType string
		blob            []byte
		annotations     map[string]string
	}{
		{"plain", layer, plain, podmans},
		{"gzip", layerGzip, decodertest.Gzip(plain), podmans},
		{"without annotations", layerGzip, decodertest.Gzip(plain), nil},
	} {
		l := decodertest.Layout{}
		blob := l.Blob(test.mediaType, test.blob)
		ck := open(t, l.Tar(l.Image(test.annotations, l.Blob(layer, decodertest.TarOf(nil, nil)), blob)), "")
		checkSample(t, ck, "archive/"+decodertest.BlobName(blob)+".d/checkpoint/pages-1.img")
		if ck.Form != "OCI image" {
			t.Errorf("%s: form = %q, want OCI image", test.name, ck.Form)
		}
		c := ck.Container
		got := []string{c.Name, c.Image, c.ImageID, c.Runtime, c.Engine, fmt.Sprint(len(c.ImageAnnotations))}
		if want := []string{"web", "localhost/web:1", "1234", "crun", "Podman", "4"}; test.annotations != nil && !slices.Equal(got, want) {
			t.Errorf("%s: container = %q, want %q", test.name, got, want)
		}
	}
}

// Annotations of CRI-O and of checkpointctl say the same with other keys; what
// the engine itself wrote counts more.
func TestAnnotations(t *testing.T) {
	for _, test := range []struct {
		annotations map[string]string
		config      string
		want        []string
	}{
		{map[string]string{
			"io.kubernetes.cri-o.annotations.checkpoint.name":            "web",
			"io.kubernetes.cri-o.annotations.checkpoint.rootfsImageName": "quay.io/web",
		}, "", []string{"web", "quay.io/web", "CRI-O"}},
		{map[string]string{
			"org.criu.checkpoint.container.name": "web", "org.criu.checkpoint.engine.name": "Podman", "org.criu.checkpoint.rootfsImageName": "quay.io/web",
		}, "", []string{"web", "quay.io/web", "Podman"}},
		{podmans, `{"name":"true","rootfsImageName":"localhost/true"}`, []string{"true", "localhost/true", "Podman"}},
	} {
		c := sample()
		if test.config != "" {
			c.Members = map[string][]byte{"config.dump": []byte(test.config)}
		}
		l := decodertest.Layout{}
		got := open(t, l.Tar(l.Image(test.annotations, l.Blob(layer, c.Tar()))), "").Container
		if got := []string{got.Name, got.Image, got.Engine}; !slices.Equal(got, test.want) {
			t.Errorf("container = %q, want %q", got, test.want)
		}
	}
}

// Of several images the one is taken that says it is a checkpoint, and of
// several checkpoints the one that was asked for. The others are not opened.
func TestSeveralImages(t *testing.T) {
	l := decodertest.Layout{}
	base := l.Image(nil, l.Blob(layerGzip, []byte("\x1f\x8b broken")))
	one := l.Image(podmans, l.Blob(layer, sample().Tar()))
	other := sample()
	other.Processes = other.Processes[:2]
	two := l.Image(podmans, l.Blob(layer, other.Tar()))
	tagged := decodertest.Tagged

	checkSample(t, open(t, l.Tar(tagged(base, "base"), tagged(one, "localhost/ck:1")), ""),
		"archive/"+decodertest.BlobName(l.Blob(layer, sample().Tar()))+".d/checkpoint/pages-1.img")
	both := l.Tar(l.Index(nil, tagged(one, "localhost/ck:1"), tagged(one, "localhost/ck:latest")), tagged(base, "base"), tagged(two, "localhost/ck:2"))
	if got, want := refused(t, both, ""), `several checkpoints: "localhost/ck:1", "localhost/ck:2"; choose one with --checkpoint NAME`; got != want {
		t.Errorf("refused: %s, want %s", got, want)
	}
	for name, want := range map[string]int{
		"localhost/ck:1": 3, "ck:1": 3, "ck:latest": 3, one.Digest.String(): 3, "localhost/ck:2": 2, "ck:2": 2, two.Digest.String(): 2,
	} {
		if ck := open(t, both, name); len(ck.Processes) != want || len(ck.Warnings.List()) > 0 {
			t.Errorf("--checkpoint %s: %d processes, warnings %q; want %d and none", name, len(ck.Processes), ck.Warnings.List(), want)
		}
	}
	if got, want := refused(t, both, "base"), `no checkpoint "base", but "localhost/ck:1", "localhost/ck:2"`; got != want {
		t.Errorf("refused: %s, want %s", got, want)
	}
}

// containerd is a checkpoint as ctr containers checkpoint makes it.
func containerd(l decodertest.Layout, diff map[string][]byte, image ...v1.Descriptor) v1.Descriptor {
	c := sample()
	images := make(map[string][]byte)
	for name, content := range c.Contents() {
		if base, ok := strings.CutPrefix(name, "checkpoint/"); ok {
			images[base] = content
		}
	}
	spec, err := proto.Marshal(&anypb.Any{TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", Value: []byte(`{"hostname":"web","process":{"cwd":"/srv"}}`)})
	if err != nil {
		panic(err)
	}
	parts := slices.Concat(image, []v1.Descriptor{
		l.Blob(layerGzip, decodertest.Gzip(decodertest.TarOf(diff, nil))),
		l.Blob("application/vnd.containerd.container.criu.checkpoint.criu.tar", decodertest.TarOf(images, nil)),
		l.Blob("application/vnd.containerd.container.checkpoint.config.v1+proto", spec),
	})
	return l.Index(map[string]string{v1.AnnotationRefName: "docker.io/web:1", "io.containerd.checkpoint.runtime": "io.containerd.runc.v2"}, parts...)
}

func TestContainerd(t *testing.T) {
	l := decodertest.Layout{}
	lower := l.Blob(layerGzip, decodertest.Gzip(decodertest.TarOf(map[string][]byte{"bin/true": []byte("ELF"), "etc/group": nil, "opt/a": nil}, nil)))
	upper := l.Blob(layer, decodertest.TarOf(map[string][]byte{"etc/.wh.group": nil, "srv/x": []byte("x")}, nil))
	ck := open(t, l.Tar(decodertest.Tagged(containerd(l, map[string][]byte{
		"etc/.wh.passwd":       nil,
		"opt/.wh..wh..opq":     nil,
		"opt/b":                []byte("b"),
		"srv/.wh.evil":         []byte("a file with content is no mark"),
		"srv/.wh.":             nil,
		".wh..wh..opq":         nil,
		"srv/.wh..":            nil,
		"srv/.wh...":           nil,
		"srv/.wh..wh.plnk":     nil,
		"srv/ordinary.wh.file": nil,
	}, l.Image(nil, lower, upper)), "ck")), "")
	if n, w := len(ck.Processes), ck.Warnings.List(); n != 3 || len(w) > 0 {
		t.Fatalf("%d processes and warnings %q, want 3 and none", n, w)
	}
	c := ck.Container
	if c.Engine != "containerd" || c.Image != "docker.io/web:1" || c.Runtime != "io.containerd.runc.v2" || c.Spec == nil || c.Spec.Hostname != "web" {
		t.Errorf("container = %+v", c)
	}
	if got, want := ck.DeletedFiles(), []string{"/etc/passwd", "/opt"}; !slices.Equal(got, want) {
		t.Errorf("deleted files = %q, want %q", got, want)
	}
	diff, err := ck.RootfsDiff()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".wh..wh..opq", "opt/b", "srv/.wh.", "srv/.wh..", "srv/.wh...", "srv/.wh..wh.plnk", "srv/.wh.evil", "srv/ordinary.wh.file"}
	if got := names(diff); !slices.Equal(got, want) {
		t.Errorf("rootfs-diff = %q, want %q", got, want)
	}
	var layers []string
	for _, layer := range ck.Mounts().Layers {
		layers = append(layers, fmt.Sprint(layer.Name, layer.Deleted()))
	}
	want = []string{"archive/" + decodertest.BlobName(lower) + ".d[]", "archive/" + decodertest.BlobName(upper) + ".d[/etc/group]", "rootfs-diff[/etc/passwd /opt]"}
	if !slices.Equal(layers, want) {
		t.Errorf("layers of the root = %q, want %q", layers, want)
	}
}

// ctr containers checkpoint --task alone has neither the changes nor the image.
func TestContainerdTaskAlone(t *testing.T) {
	l := decodertest.Layout{}
	var index v1.Index
	if err := json.Unmarshal(l[decodertest.BlobName(containerd(l, nil))], &index); err != nil {
		t.Fatal(err)
	}
	task := index.Manifests[1]
	ck := open(t, l.Tar(l.Index(nil, task)), "")
	checkSample(t, ck, "archive/"+decodertest.BlobName(task)+".d/pages-1.img")
	diff, err := ck.RootfsDiff()
	if diff != nil || err != nil || len(ck.DeletedFiles()) > 0 || ck.RootfsDiffSize() != 0 || len(ck.NestedTars()) != 1 {
		t.Errorf("rootfs-diff %v, %v, %d bytes, deleted %q, %d nested tars; want none, and the tar of the images",
			diff, err, ck.RootfsDiffSize(), ck.DeletedFiles(), len(ck.NestedTars()))
	}
}

// containerd's answer to Kubernetes has an image layer by the name of
// rootfs-diff.tar. In an archive of Podman's a file may have any name.
func TestWhiteoutsByEngine(t *testing.T) {
	diff := decodertest.Gzip(decodertest.TarOf(map[string][]byte{"etc/.wh.passwd": nil}, nil))
	for spec, want := range map[string]string{
		`{"annotations":{"io.kubernetes.cri.container-type":"container"}}`: "deleted [/etc/passwd], files []",
		`{"annotations":{"io.container.manager":"libpod"}}`:                "deleted [], files [etc/.wh.passwd]",
		`{}`: "deleted [], files [etc/.wh.passwd]",
	} {
		c := sample()
		c.Members = map[string][]byte{"rootfs-diff.tar": diff, "spec.dump": []byte(spec)}
		ck := c.Open(t)
		a, err := ck.RootfsDiff()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("deleted %v, files %v", ck.DeletedFiles(), names(a)); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
}

// dockerArchive is an image with that layer as docker save writes it.
func dockerArchive(layer []byte, tags ...string) map[string][]byte {
	manifest, err := json.Marshal([]map[string]any{{"Config": "0.json", "RepoTags": tags, "Layers": []string{"base/layer.tar", "1/layer.tar"}}})
	if err != nil {
		panic(err)
	}
	return map[string][]byte{"manifest.json": manifest, "base/layer.tar": decodertest.TarOf(nil, nil), "ff.tar": layer}
}

func TestDockerArchive(t *testing.T) {
	links := map[string]string{"1/layer.tar": "../ff.tar"}
	archive := decodertest.TarOf(dockerArchive(sample().Tar(), "ck:1"), links)
	for _, name := range []string{"", "ck:1", "0.json"} {
		ck := open(t, archive, name)
		checkSample(t, ck, "archive/ff.tar.d/checkpoint/pages-1.img")
		if ck.Form != "docker-archive" {
			t.Errorf("form = %q, want docker-archive", ck.Form)
		}
	}
	for _, test := range []struct{ to, want string }{
		{"../../../etc/passwd", "a docker-archive image that holds no checkpoint (etc/passwd: missing)"},
		{"layer.tar", "a docker-archive image that holds no checkpoint (1/layer.tar: missing)"},
	} {
		links["1/layer.tar"] = test.to
		if got := refused(t, decodertest.TarOf(dockerArchive(nil), links), ""); got != test.want {
			t.Errorf("a layer that links to %s: %s, want %s", test.to, got, test.want)
		}
	}
	// Whatever else is called so is only a member.
	c := sample()
	c.Members = map[string][]byte{"manifest.json": []byte(`{"name":"app"}`)}
	if w := c.Open(t).Warnings.List(); len(w) > 0 {
		t.Errorf("with a manifest.json of its own: warnings %q", w)
	}
}

// dockerContainer is the folder of a Docker container with these checkpoints.
func dockerContainer(dir string, names ...string) map[string][]byte {
	members := map[string][]byte{
		dir + "config.v2.json": []byte(`{"ID":"42","Name":"/web","Created":"2026-01-02T03:04:05Z","Image":"sha256:7","Path":"/bin/web","Args":["-v"],"LogPath":"/var/lib/docker/containers/42/42-json.log","State":{"StartedAt":"2027-01-02T03:04:05Z"},
			"Config":{"Hostname":"host","Image":"web:1","Env":["A=1"],"Labels":{"l":"1"}},"MountPoints":{"/data":{"Source":"/v","Destination":"/data","Type":"volume","RW":true}},
			"NetworkSettings":{"Networks":{"none":{},"bridge":{"IPAddress":"172.17.0.2","IPPrefixLen":16,"Gateway":"172.17.0.1","MacAddress":"02:42:ac:11:00:02"}}}}`),
		dir + "hostconfig.json": []byte(`{"Runtime":"runc","RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}}`),
		dir + "42-json.log":     nil,
	}
	for _, name := range names {
		for image, content := range sample().Contents() {
			if base, ok := strings.CutPrefix(image, "checkpoint/"); ok {
				members[dir+"checkpoints/"+name+"/"+base] = content
			}
		}
	}
	return members
}

func TestDockerContainer(t *testing.T) {
	for _, dir := range []string{"", "42/"} {
		ck := open(t, decodertest.TarOf(dockerContainer(dir, "cp1"), nil), "")
		checkSample(t, ck, "archive/"+dir+"checkpoints/cp1/pages-1.img")
		c := ck.Container
		got := fmt.Sprintln(ck.Form, c.ID, c.Name, c.Image, c.ImageID, c.Engine, c.Runtime, c.Created.Year(), c.Started.Year(), c.RestartPolicy, c.Labels, c.Log, len(c.Interfaces), c.Interfaces[0].Addresses, c.Interfaces[0].Gateways, c.Interfaces[0].MAC, c.Spec.Hostname, c.Spec.Process.Args, c.Spec.Mounts)
		want := "Docker container 42 web web:1 sha256:7 Docker runc 2026 2027 on-failure:3 map[l:1] archive/" + dir + "42-json.log 1 [172.17.0.2/16] [172.17.0.1] 02:42:ac:11:00:02 host [/bin/web -v] [{/data volume /v [rw] [] []}]\n"
		if got != want {
			t.Errorf("%q: %s, want %s", dir, got, want)
		}
	}
	several := decodertest.TarOf(dockerContainer("42/", "cp1", "cp2"), nil)
	if got := refused(t, several, ""); !strings.HasPrefix(got, `several checkpoints: "42/checkpoints/cp1", "42/checkpoints/cp2"; choose`) {
		t.Errorf("several checkpoints: %s", got)
	}
	checkSample(t, open(t, several, "cp2"), "archive/42/checkpoints/cp2/pages-1.img")
}

// The engine's metadata stands beside the images' folder, wherever that is.
func TestFolderInArchive(t *testing.T) {
	c := sample()
	c.Members = map[string][]byte{"config.dump": []byte(`{"name":"web"}`), "rootfs-diff.tar": decodertest.TarOf(map[string][]byte{"a": nil}, nil)}
	members := make(map[string][]byte)
	for name, content := range c.Contents() {
		members["web/"+name] = content
	}
	ck := open(t, decodertest.TarOf(members, nil), "")
	checkSample(t, ck, "archive/web/checkpoint/pages-1.img")
	diff, err := ck.RootfsDiff()
	if err != nil || ck.Container.Name != "web" || !slices.Equal(names(diff), []string{"a"}) {
		t.Errorf("container %q, rootfs-diff %v, %v", ck.Container.Name, diff, err)
	}
	var folders []string
	for _, tar := range ck.NestedTars() {
		folders = append(folders, tar.Folder)
	}
	if want := []string{"archive/web/rootfs-diff.tar.d"}; !slices.Equal(folders, want) {
		t.Errorf("nested tars %q, want %q", folders, want)
	}
	maps.Copy(members, sample().Contents()) // a second one, where engines put it
	checkSample(t, open(t, decodertest.TarOf(members, nil), ""), "archive/checkpoint/pages-1.img")
	checkSample(t, open(t, decodertest.TarOf(members, nil), "web/checkpoint"), "archive/web/checkpoint/pages-1.img")
}

// A pre-dump has pages and no processes, and says so once.
func TestPreDump(t *testing.T) {
	ck := open(t, decodertest.TarOf(generation("pre-checkpoint", decodertest.Run{Addr: 0x10000, Pages: 1, Flags: present}), nil), "")
	if w := ck.Warnings.List(); len(ck.Processes) > 0 || ck.Form != "pre-checkpoint" || len(w) != 1 || !strings.Contains(w[0], "--parent") {
		t.Errorf("%d processes, form %q, warnings %q", len(ck.Processes), ck.Form, w)
	}
}

func names(a interface{ Members() []*archive.Member }) []string {
	var list []string
	for _, m := range a.Members() {
		list = append(list, m.Name)
	}
	return list
}
