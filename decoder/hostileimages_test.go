package decoder_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// indexOf is an index that names one image.
func indexOf(mediaType, digest string, size int) []byte {
	return fmt.Appendf(nil, `{"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, mediaType, digest, size)
}

// layoutWith is the tar of a layout with that index.json.
func layoutWith(l decodertest.Layout, index []byte) []byte {
	l.Tar()
	l[v1.ImageIndexFile] = index
	return decodertest.TarOf(l, nil)
}

// A layout that holds no checkpoint, or one that cannot be found, is refused
// with the reason, whatever it is made of.
func TestHostileLayouts(t *testing.T) {
	const index, manifest = v1.MediaTypeImageIndex, v1.MediaTypeImageManifest
	self := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct {
		name  string
		build func(decodertest.Layout) []byte
		want  string
	}{
		{"no index", func(l decodertest.Layout) []byte { return layoutWith(l, nil) }, "an index: unexpected end of JSON input"},
		{"an index that is none", func(l decodertest.Layout) []byte { return layoutWith(l, []byte("[1]")) }, "an index: json: cannot unmarshal array"},
		{"nothing in it", func(l decodertest.Layout) []byte { return l.Tar() }, "none of its images is a checkpoint"},
		{"a digest that leads out", func(l decodertest.Layout) []byte {
			return layoutWith(l, indexOf(manifest, "sha256:../../../../etc/passwd", 1))
		}, `blob "sha256:../../../../etc/passwd": invalid checksum digest`},
		{"a digest that leads to index.json", func(l decodertest.Layout) []byte {
			return layoutWith(l, indexOf(index, "../index.json", 1))
		}, "invalid checksum digest format"},
		{"a digest of a kind that is not known", func(l decodertest.Layout) []byte {
			return layoutWith(l, indexOf(manifest, "md5:00", 1))
		}, "unsupported digest algorithm"},
		{"an index in itself", func(l decodertest.Layout) []byte {
			data := indexOf(index, self, 155)
			l["blobs/sha256/"+self[7:]] = data
			return layoutWith(l, data)
		}, "none of its images is a checkpoint"},
		{"indexes in indexes", func(l decodertest.Layout) []byte {
			d := l.Image(podmans, l.Blob(layer, sample().Tar()))
			for range 20 {
				d = l.Index(nil, d)
			}
			return l.Tar(d)
		}, "more than 8 indexes in one another"},
		{"a huge manifest", func(l decodertest.Layout) []byte {
			return l.Tar(l.Blob(manifest, make([]byte, 2<<20)))
		}, "larger than 1048576 bytes, not decoded"},
		{"many large indexes", func(l decodertest.Layout) []byte {
			var all []v1.Descriptor
			for i := range 40 {
				all = append(all, l.Blob(index, fmt.Appendf(nil, `{"manifests":[],"x":"%d%s"}`, i, strings.Repeat("x", 1<<20-100))))
			}
			long := map[string]string{"org.criu.checkpoint.x": strings.Repeat("x", 1<<20-2000)}
			return l.Tar(append(all, l.Image(long, l.Blob(layer, sample().Tar())))...)
		}, "more than 16777216 bytes of indexes and manifests, not decoded"},
		{"layers that are none", func(l decodertest.Layout) []byte {
			var layers []v1.Descriptor
			for i := range 1000 {
				layers = append(layers, l.Blob(layer, fmt.Appendf(nil, "%d", i)))
			}
			return l.Tar(l.Image(podmans, layers...))
		}, "a text file, not an archive"},
		{"the same layer many times", func(l decodertest.Layout) []byte {
			empty := l.Blob(layer, decodertest.TarOf(nil, nil))
			layers := make([]v1.Descriptor, 3000)
			for i := range layers {
				layers[i] = empty
			}
			return l.Tar(l.Image(podmans, layers...))
		}, "none of its images is a checkpoint"},
		{"more layers than are looked at", func(l decodertest.Layout) []byte {
			layers := []v1.Descriptor{l.Blob(layer, sample().Tar())}
			for i := range 128 {
				layers = append(layers, l.Blob(layer, decodertest.TarOf(map[string][]byte{fmt.Sprint(i): nil}, nil)))
			}
			return l.Tar(l.Image(podmans, layers...))
		}, "more than 128 layers, the rest is not looked at"},
		{"a missing manifest", func(l decodertest.Layout) []byte {
			return l.Tar(v1.Descriptor{MediaType: manifest, Digest: digest.Digest(self), Size: 1})
		}, "aaaa: missing"},
		{"a broken layer", func(l decodertest.Layout) []byte {
			return l.Tar(l.Image(podmans, l.Blob(layerGzip, decodertest.Gzip(sample().Tar())[:9])))
		}, "tar.gz: unexpected EOF"},
		{"a layer with a file called x.img", func(l decodertest.Layout) []byte {
			return l.Tar(l.Image(podmans, l.Blob(layer, decodertest.TarOf(map[string][]byte{"boot/x.img": nil}, nil))))
		}, "none of its images is a checkpoint"},
		{"containerd's without images", func(l decodertest.Layout) []byte {
			return l.Tar(l.Index(nil, v1.Descriptor{MediaType: "application/vnd.containerd.container.criu.checkpoint.criu.tar", Digest: digest.Digest(self)}))
		}, "aaaa: missing"},
	} {
		start := time.Now()
		got := refused(t, test.build(decodertest.Layout{}), "")
		if !strings.HasPrefix(got, "an OCI image layout, and none of its images is a checkpoint") || !strings.Contains(got, test.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %s, want a line with %s", test.name, got, test.want)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: took %v", test.name, took)
		}
	}
}

// What is not as the image says it is, is a warning: the evidence is shown.
func TestWrongDigests(t *testing.T) {
	plain := sample().Tar()
	for _, test := range []struct {
		name   string
		change func(l decodertest.Layout, layer, image v1.Descriptor) []byte
		want   []string
	}{
		{"nothing", func(l decodertest.Layout, _, image v1.Descriptor) []byte { return l.Tar(image) }, nil},
		{"another layer", func(l decodertest.Layout, layer, image v1.Descriptor) []byte {
			other := sample()
			other.Members = map[string][]byte{"evil": []byte("x")}
			l[decodertest.BlobName(layer)] = decodertest.Gzip(other.Tar())
			return l.Tar(image)
		}, []string{"bytes and not", "its digest is sha256:"}},
		{"bytes behind the layer", func(l decodertest.Layout, layer, image v1.Descriptor) []byte {
			l[decodertest.BlobName(layer)] = append(l[decodertest.BlobName(layer)], make([]byte, 4<<20)...)
			return l.Tar(image)
		}, []string{"bytes and not", "its digest is not checked", "the tar.gz stream is damaged", "may have had another"}},
		{"another manifest", func(l decodertest.Layout, _, image v1.Descriptor) []byte {
			name := decodertest.BlobName(image)
			l[name] = []byte(strings.Replace(string(l[name]), "localhost/web:1", "localhost/bad:1", 1))
			return l.Tar(image)
		}, []string{"its digest is sha256:"}},
	} {
		l := decodertest.Layout{}
		blob := l.Blob(layerGzip, decodertest.Gzip(plain))
		ck := open(t, test.change(l, blob, l.Image(podmans, blob)), "")
		got := ck.Warnings.List()
		if len(ck.Processes) != 3 || len(got) != len(test.want) {
			t.Errorf("%s: %d processes, warnings %q, want 3 and %q", test.name, len(ck.Processes), got, test.want)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: warning %q, want one with %q", test.name, got[i], want)
			}
		}
	}
}

// Where a part of containerd's is damaged or missing, the others are there.
func TestDamagedContainerd(t *testing.T) {
	for _, test := range []struct{ part, content, want string }{
		{"tar+gzip", "", "missing"},
		{"config.v1+proto", "", "missing"},
		{"manifest.v1+json", "", ""},
		{"manifest.v1+json", "[]", "cannot unmarshal array"},
		{"config.v1+proto", "\xff\xff", "the container's specification"},
		{"config.v1+proto", "\x12\x03abc", "the container's specification"},
		{"config.v1+proto", "\x12\x0e{\"hostname\":1}", "cannot unmarshal number"},
		{"tar+gzip", "no tar", "a text file, not an archive"},
	} {
		l := decodertest.Layout{}
		d := containerd(l, map[string][]byte{"a": nil}, l.Image(nil, l.Blob(layer, decodertest.TarOf(nil, nil))))
		var index v1.Index
		if err := json.Unmarshal(l[decodertest.BlobName(d)], &index); err != nil {
			t.Fatal(err)
		}
		for _, part := range index.Manifests {
			if strings.HasSuffix(part.MediaType, test.part) {
				if l[decodertest.BlobName(part)] = []byte(test.content); test.content == "" {
					delete(l, decodertest.BlobName(part))
				}
			}
		}
		ck := open(t, l.Tar(d), "")
		_, err := ck.RootfsDiff()
		ck.Warnings.Add(err)
		for _, tar := range ck.NestedTars() {
			_, err := tar.Open()
			ck.Warnings.Add(err)
		}
		if got := strings.Join(ck.Warnings.List(), "\n"); len(ck.Processes) != 3 || !strings.Contains(got, test.want) {
			t.Errorf("%s = %q: %d processes, warnings %q, want 3 and %q", test.part, test.content, len(ck.Processes), got, test.want)
		}
	}
}

// FuzzImageLayout opens a layout whose indexes and manifests are anything: no
// panic, and an error in one line or a checkpoint.
func FuzzImageLayout(f *testing.F) {
	l := decodertest.Layout{}
	tar := l.Blob(layer, sample().Tar())
	image, parts := l.Image(podmans, tar), containerd(l, map[string][]byte{"etc/.wh.a": nil}, l.Image(nil, tar))
	l.Tar(image, parts)
	for name, content := range dockerContainer("", "cp1") {
		l[name] = content
	}
	f.Add(l[v1.ImageIndexFile], l[decodertest.BlobName(image)], l[decodertest.BlobName(parts)], l["config.v2.json"])
	f.Add([]byte("{}"), []byte("{}"), []byte("{}"), dockerArchive(nil, "a")["manifest.json"])
	f.Fuzz(func(t *testing.T, index, manifest, nested, docker []byte) {
		members := maps.Clone(l)
		members[v1.ImageIndexFile], members[decodertest.BlobName(image)], members[decodertest.BlobName(parts)] = index, manifest, nested
		members["config.v2.json"], members["manifest.json"] = docker, docker
		for _, without := range []string{"", v1.ImageLayoutFile} {
			delete(members, without)
			ck, err := decoder.Open(decodertest.OpenArchive(t, decodertest.TarOf(members, nil)), decoder.Options{})
			if err != nil {
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("an error of several lines: %q", err)
				}
				continue
			}
			for _, tar := range ck.NestedTars() {
				_, err := tar.Open()
				ck.Warnings.Add(err)
			}
			_, err = ck.RootfsDiff()
			ck.Warnings.Add(err)
			ck.Close()
		}
	})
}

// An image with many checkpoints, and a name of any length, is named once and not
// for each of them.
func TestManyCheckpointsOfAnImage(t *testing.T) {
	const folders, length, most = 2000, 500_000, 64 << 20
	members := make(map[string][]byte)
	for i := range folders {
		members[fmt.Sprintf("%04d/a/pstree.img", i)] = nil
	}
	l := decodertest.Layout{}
	d := l.Image(podmans, l.Blob(layer, decodertest.TarOf(members, nil)))
	b := l.Tar(decodertest.Tagged(d, strings.Repeat("n", length)), decodertest.Tagged(d, "x/y"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := refused(t, b, "")
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%d bytes were allocated", n)
	}
	if !strings.Contains(got, "several checkpoints: ") || len(got) > 5000 {
		t.Errorf("%.300s... of %d bytes", got, len(got))
	}
	digest := d.Digest.String()
	for name, want := range map[string]string{
		digest + "/0007/a": "", "0007/a": "", digest[:10] + "/0007/a": "no checkpoint", "/0007/a": "no checkpoint", digest: "no checkpoint", "b": "no checkpoint", "a": "several checkpoints",
	} {
		_, err := decoder.Open(decodertest.OpenArchive(t, b), decoder.Options{Checkpoint: name})
		if err == nil && want != "" || err != nil && (want == "" || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %.300v, want %q", name, err, want)
		}
	}
}
