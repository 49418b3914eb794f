package decoder_test

import (
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

const (
	present = criu.PagePresent
	parent  = criu.PageParent
)

// incremental is a process of four pages of which the middle ones are in the
// parent checkpoint.
func incremental() decodertest.Checkpoint {
	return decodertest.Checkpoint{Files: map[uint32]string{1: "/bin/inc"}, Processes: []decodertest.Process{{
		PID: 1, Comm: "inc",
		VMAs: []decodertest.VMA{{Start: 0x10000, End: 0x14000, Prot: rw}},
		Runs: []decodertest.Run{
			{Addr: 0x10000, Pages: 1, Flags: present},
			{Addr: 0x11000, Pages: 2, Flags: parent},
			{Addr: 0x13000, Pages: 1, Flags: present},
		},
	}}}
}

// generation is the members of a parent in that folder.
func generation(dir string, runs ...decodertest.Run) map[string][]byte {
	var pages int
	for _, r := range runs {
		if r.Flags&present != 0 {
			pages += r.Pages
		}
	}
	return map[string][]byte{
		dir + "/inventory.img": decodertest.Image(criu.MagicInventory, &inventory.InventoryEntry{ImgVersion: proto.Uint32(0)}),
		dir + "/pagemap-1.img": decodertest.Pagemap(1, false, runs...),
		dir + "/pages-1.img":   make([]byte, pages*4096),
	}
}

func merge(maps ...map[string][]byte) map[string][]byte {
	all := make(map[string][]byte)
	for _, m := range maps {
		for name, content := range m {
			all[name] = content
		}
	}
	return all
}

// depth is the number of generations of process 1.
func depth(ck *decoder.Checkpoint) (n int) {
	for c := ck.Process(1).MM.Capture; c != nil; c = c.Parent {
		n++
	}
	return n
}

func TestParentChain(t *testing.T) {
	whole := decodertest.Run{Addr: 0x10000, Pages: 4, Flags: present}
	for _, test := range []struct {
		name     string
		members  map[string][]byte
		links    map[string]string
		parents  []map[string][]byte
		depth    int
		warnings string
	}{
		{
			"not there", nil,
			map[string]string{"checkpoint/parent": "../pre-checkpoint"},
			nil, 1,
			"checkpoint/pagemap-1.img: 2 pages are in a parent checkpoint that is not here, and are absent (--parent)",
		},
		{"in the same archive", generation("g1", whole), map[string]string{"checkpoint/parent": "../g1"}, nil, 2, ""},
		{"in an archive of its own", nil, map[string]string{"checkpoint/parent": "../pre-checkpoint"}, []map[string][]byte{generation("pre-checkpoint", whole)}, 2, ""},
		{
			"three generations", merge(generation("g2", decodertest.Run{Addr: 0x11000, Pages: 2, Flags: parent}), generation("g1", whole)),
			map[string]string{"checkpoint/parent": "../g2", "g2/parent": "../g1"},
			nil, 3, "",
		},
		{
			"a chain that is longer than what is asked for", merge(generation("g2", whole), generation("g1", whole)),
			map[string]string{"checkpoint/parent": "../g2", "g2/parent": "../g1"},
			nil, 2, "",
		},
		{
			"a loop", generation("g1", decodertest.Run{Addr: 0x11000, Pages: 2, Flags: parent}),
			map[string]string{"checkpoint/parent": "../g1", "g1/parent": "../checkpoint"},
			nil, 2,
			`g1/parent: the chain of parents leads back to "checkpoint", and ends here`,
		},
		{"itself", nil, map[string]string{"checkpoint/parent": "."}, nil, 1, `checkpoint/parent: the chain of parents leads back to "checkpoint"`},
		{
			"pages that are not there", generation("g1", decodertest.Run{Addr: 0x11000, Pages: 1, Flags: present}),
			map[string]string{"checkpoint/parent": "../g1"},
			nil, 2, "g1/pagemap-1.img: 1 pages that are said to be there are not, and taken for untouched",
		},
		{
			"another checkpoint's pages", generation("g1", decodertest.Run{Addr: 0x50000, Pages: 1, Flags: present}),
			map[string]string{"checkpoint/parent": "../g1"},
			nil, 1, "g1/pagemap-1.img: none of the 2 pages that are said to be there is",
		},
		{
			"no such process in the parent",
			map[string][]byte{"g1/inventory.img": generation("g1")["g1/inventory.img"]},
			map[string]string{"checkpoint/parent": "../g1"},
			nil, 1, "in the parent checkpoint: g1/pagemap-1.img: missing",
		},
		{"one archive too many", nil, nil, []map[string][]byte{generation("pre-checkpoint", whole)}, 1, "--parent: 1 more than the checkpoint refers to"},
		{"a link that leads out", nil, map[string]string{"checkpoint/parent": "../../../etc"}, nil, 1, "2 pages are in a parent checkpoint that is not here"},
		{"a link to a folder of the machine that was dumped", generation("g1", whole), map[string]string{"checkpoint/parent": "/g1"}, nil, 1, "2 pages are in a parent"},
	} {
		c := incremental()
		c.Members, c.Links = test.members, test.links
		var opts decoder.Options
		for _, p := range test.parents {
			opts.Parents = append(opts.Parents, decodertest.OpenArchive(t, decodertest.TarOf(p, nil)))
		}
		ck := c.OpenWith(t, opts)
		warnings := strings.Join(ck.Warnings.List(), "; ")
		if got := depth(ck); got != test.depth || !strings.Contains(warnings, test.warnings) || test.warnings == "" && warnings != "" {
			t.Errorf("%s: %d generations, warnings %q, want %d, %q", test.name, got, warnings, test.depth, test.warnings)
		}
	}
}
