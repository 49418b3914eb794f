package coredump

import (
	"math"
	"reflect"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

func TestParts(t *testing.T) {
	type pages struct{ first, n, off int } // in pages; off from the first part's
	for _, tt := range []struct {
		name    string
		picture string
		want    []pages
	}{
		{"no memory", "", nil},
		{"data", "[DDD]", []pages{{0, 3, 0}}},
		{"zeros are in the file", "[zzz]", []pages{{0, 3, 0}}},
		{"data and zeros are one part", "[DzzD]", []pages{{0, 4, 0}}},
		{"VMA without bytes", "[..][D]", []pages{{2, 1, 0}}},
		{"gap in a VMA", "[DD.z]", []pages{{0, 2, 0}, {3, 1, 2}}},
		{"gaps at both ends", "[.DD.]", []pages{{1, 2, 0}}},
		{"adjacent VMAs stay apart", "[DD][DD]", []pages{{0, 2, 0}, {2, 2, 2}}},
		{"adjacent zero VMAs too", "[z][z]", []pages{{0, 1, 0}, {1, 1, 1}}},
		{"unmapped between VMAs", "[D]   [zD]", []pages{{0, 1, 0}, {4, 2, 1}}},
		{"all", "[D.z][.D] [.][zD]", []pages{{0, 1, 0}, {2, 1, 1}, {4, 1, 2}, {7, 2, 3}}},
	} {
		for _, page := range []int{4 << 10, 64 << 10} {
			vmas, mem := draw(tt.picture, page)
			c := newCore(t, testProcess(vmas, page), mem)
			var got []pages
			for _, p := range c.parts {
				got = append(got, pages{int(p.Start-testBase) / page, int(p.Len()) / page, int(p.off-c.headSize) / page})
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: parts of %s = %v, want %v", tt.name, tt.picture, got, tt.want)
			}
			if c.headSize%int64(page) != 0 {
				t.Errorf("%s: the first part is at offset %d, not on a page of %d", tt.name, c.headSize, page)
			}
		}
	}
}

func TestPartsKeepProt(t *testing.T) {
	vmas, mem := draw("[D][D]", testPage)
	vmas[0].Prot = decoder.ProtRead | decoder.ProtExec
	vmas[1].Prot = 0
	c := newCore(t, testProcess(vmas, testPage), mem)
	for i, p := range c.parts {
		if p.prot != vmas[i].Prot {
			t.Errorf("part %d: prot %v, want %v", i, p.prot, vmas[i].Prot)
		}
	}
}

func TestPlaceOverflow(t *testing.T) {
	const off, most, most32 = 4096, math.MaxInt64 - 64 - 4096, 1<<32 - 1 - 40 - 4096
	for _, tt := range []struct {
		name  string
		class class
		sizes []uint64
		want  int64 // 0 for an error
	}{
		{"the largest", class64, []uint64{most}, off + most},
		{"one byte more", class64, []uint64{most + 1}, 0},
		{"one byte more in two parts", class64, []uint64{1 << 62, most - 1<<62 + 1}, 0},
		{"half the address space each", class64, []uint64{1 << 63, 1<<63 - 1}, 0},
		{"the largest of 32 bits", class32, []uint64{most32}, off + most32},
		{"one byte more of 32 bits", class32, []uint64{most32 + 1}, 0},
		{"one byte more of 32 bits in two parts", class32, []uint64{1 << 31, most32 - 1<<31 + 1}, 0},
		{"all that 32 bits can address", class32, []uint64{1 << 32}, 0},
	} {
		var parts []part
		for _, n := range tt.sizes {
			parts = append(parts, part{Range: decoder.Range{End: decoder.Addr(n)}})
		}
		if end, err := place(parts, tt.class, off, testPage); end != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%s: place = %d, %v, want %d", tt.name, end, err, tt.want)
		}
	}
}
