package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func tarOf(headers ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// A name of 250 bytes is 125 folders: there are no more of them than can be kept.
func TestImpliedFolders(t *testing.T) {
	const n = 9000
	headers := make([]tar.Header, n)
	for i := range headers {
		headers[i].Name = fmt.Sprintf("%04d/%sf", i, strings.Repeat("d/", 120))
	}
	b := tarOf(headers...)
	a, err := OpenNested(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	damage := a.Damage()
	if got, want := len(a.Members()), maxImplied/121; got != want || !strings.Contains(fmt.Sprint(damage), "more than 1048576 folders are no members") {
		t.Errorf("%d members, %.200q, want %d and the others left out", got, damage, want)
	}
}

// What members take is bounded, by their number as by what they have.
func TestMemoryOfMembers(t *testing.T) {
	long := strings.Repeat("x", 30_000)
	for _, h := range []tar.Header{
		{Name: "plain"},
		{Name: long[:200]},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: long[:4000]},
		{Name: "attribute", PAXRecords: map[string]string{"SCHILY.xattr.user.a": long, "SCHILY.xattr.user.b": long}},
	} {
		headers := make([]tar.Header, 1000)
		for i := range headers {
			headers[i] = h
			headers[i].Name = fmt.Sprint(h.Name, i)
		}
		b := tarOf(headers...)
		const room = 300_000
		x := indexTar(bytes.NewReader(b), int64(len(b)), room)
		var kept int64
		for _, m := range x.members {
			kept += int64(len(m.Name) + len(m.Target) + len(m.Xattrs["user.a"]) + len(m.Xattrs["user.b"]))
		}
		if len(x.members) == 0 || len(x.members) == 1000 || kept > room+60_100 || !strings.Contains(fmt.Sprint(x.damage.list()), "what follows is missing") {
			t.Errorf("%.20s: %d members of %d bytes, %v", h.Name, len(x.members), kept, x.damage.list())
		}
	}
}

func TestLongTarget(t *testing.T) {
	b := tarOf(
		tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("t", 4095)},
		tar.Header{Name: "b", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("t", 4096)},
	)
	x := indexTar(bytes.NewReader(b), int64(len(b)), maxMemory)
	if len(x.members) != 1 || !strings.Contains(fmt.Sprint(x.damage.list()), `member "b": a target that is too long, left out`) {
		t.Errorf("%d members, %v, want the first alone", len(x.members), x.damage.list())
	}
}
