package layout_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

func TestImages(t *testing.T) {
	whole := decodertest.Image(criu.MagicPstree)
	ck := sample(t)
	for name, content := range map[string]string{
		"checkpoint/core-99.img":       string(whole), // of a process of an earlier checkpoint
		"checkpoint/rule-1.img":        "rules\n",
		"checkpoint/broken.img":        string(whole) + "\x05\x00\x00\x00abc",
		"checkpoint/stats-dump":        string(whole),
		"stats-dump":                   string(whole),
		"pre-checkpoint/pagemap-1.img": string(whole),
		"pre-checkpoint/pages-1.img":   "page",
		"a/b/pstree.img.img":           string(whole),
		"core-1.json/x.img":            string(whole),
		"checkpoint/descriptors.json":  "[]",
	} {
		ck.Members[name] = []byte(content)
	}
	root := layout.Root(ck.Open(t), layout.Options{})
	images, ok := lookup(t, root, "images").(tree.Dir)
	if !ok {
		t.Fatal("images is no directory")
	}
	for dir, want := range map[string]string{
		"images": "a broken.json core-1.json core-5.json core-99.json fdinfo-1.json files.json fs-1.json ids-1.json " +
			"inventory.json mm-1.json pagemap-1.json pre-checkpoint pstree.json rule-1.json stats-dump.json",
		"images/pre-checkpoint": "pagemap-1.json",
		"images/a/b":            "pstree.img.json",
	} {
		if got := list(t, root, dir); got != want {
			t.Errorf("%s has %s, want %s", dir, got, want)
		}
	}
	for name, want := range map[string]string{
		"images/core-99.json": "{\n    \"magic\": \"PSTREE\",\n    \"entries\": []\n}\n",
		"images/rule-1.json":  "{\n    \"magic\": null,\n    \"entries\": [\n        {\n            \"text\": \"rules\\n\"\n        }\n    ]\n}\n",
	} {
		if got := read(t, root, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	broken, err := images.Lookup("broken.json")
	if err != nil {
		t.Fatal(err)
	}
	var format *criu.FormatError
	if _, err := broken.(tree.File).Content(); !errors.As(err, &format) {
		t.Errorf("broken.json: error %v", err)
	}
	warnings := read(t, root, "warnings")
	for _, want := range []string{
		"images/broken.json: checkpoint/broken.img: offset 8: an entry of 5 bytes where 3 are left\n",
		"images/stats-dump.json: something else has that name, and it is left out\n",
		"images/core-1.json/x.json: something else has that name, and it is left out\n",
	} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings %q, want %q", warnings, want)
		}
	}
	delete(ck.Members, "checkpoint/broken.img")
	treetest.Check(t, layout.Root(ck.Open(t), layout.Options{}))
}
