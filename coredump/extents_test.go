package coredump

import (
	"errors"
	"io"
	"math"
	"reflect"
	"testing"
)

// walk lists the data of c as lseek(2) shows it: offset, end.
func walk(t *testing.T, c *Core) (data [][2]int64) {
	t.Helper()
	for end := int64(0); ; {
		start, err := c.NextData(end)
		if errors.Is(err, io.EOF) {
			return data
		}
		if end, err = c.NextHole(start); err != nil || end <= start {
			t.Fatalf("NextHole(%d) = %d, %v", start, end, err)
		}
		data = append(data, [2]int64{start, end})
	}
}

func TestExtents(t *testing.T) {
	const h = -1 // stands for the head, which begins at 0
	for _, tt := range []struct {
		name    string
		picture string
		want    [][2]int64 // pages from the head's end
	}{
		{"head alone", "", [][2]int64{{h, 0}}},
		{"data follows the head", "[DD]", [][2]int64{{h, 2}}},
		{"hole at the end", "[zz]", [][2]int64{{h, 0}}},
		{"hole inside", "[DzD]", [][2]int64{{h, 1}, {2, 3}}},
		{"hole across VMAs", "[Dz][zD]", [][2]int64{{h, 1}, {3, 4}}},
		{"absent pages take no room", "[D..D]", [][2]int64{{h, 2}}},
		{"data across VMAs", "[zD] [D][Dz]", [][2]int64{{h, 0}, {1, 4}}},
	} {
		vmas, mem := draw(tt.picture, testPage)
		c := newCore(t, testProcess(vmas, testPage), mem)
		got := walk(t, c)
		sum := int64(0)
		for i := range got {
			sum += got[i][1] - got[i][0]
			for j, off := range got[i] {
				got[i][j] = (off - c.headSize) / testPage
			}
		}
		if got[0][0] = h; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: data of %s = %v, want %v", tt.name, tt.picture, got, tt.want)
		}
		if c.DataSize() != sum {
			t.Errorf("%s: DataSize() = %d, want %d, the sum of the extents", tt.name, c.DataSize(), sum)
		}
	}
}

// checkExtents compares every extent with the whole file: a page of memory is
// data where it has a byte that is not 0.
func checkExtents(t *testing.T, c *Core, file []byte) {
	t.Helper()
	isData := func(off int64) bool { return off < c.headSize || file[off] != 0 }
	size := int64(len(file))
	nextData, nextHole, sum := int64(-1), size, int64(0)
	for off := size - 1; off >= 0; off-- {
		if isData(off) {
			nextData = off
			sum++
		} else {
			nextHole = off
		}
		if off%1021 != 0 && off%testPage != 0 { // a prime, to hit anything
			continue
		}
		if got, err := c.NextHole(off); got != nextHole || err != nil {
			t.Fatalf("NextHole(%d) = %d, %v, want %d", off, got, err, nextHole)
		}
		got, err := c.NextData(off)
		if nextData < 0 && !errors.Is(err, io.EOF) || nextData >= 0 && (got != nextData || err != nil) {
			t.Fatalf("NextData(%d) = %d, %v, want %d", off, got, err, nextData)
		}
	}
	if c.DataSize() != sum {
		t.Fatalf("DataSize() = %d, want %d", c.DataSize(), sum)
	}
}

func TestExtentsOracle(t *testing.T) {
	for _, arch := range testArchs {
		vmas, mem := draw(bigPicture, testPage)
		checkExtents(t, newCore(t, archProcess(arch, vmas, testPage), mem), naive(arch, bigPicture, testPage))
	}
}

func TestExtentsPastEnd(t *testing.T) {
	vmas, mem := draw("[D]", testPage)
	c := newCore(t, testProcess(vmas, testPage), mem)
	for _, off := range []int64{-1, c.Size(), c.Size() + 1, math.MaxInt64} {
		if _, err := c.NextData(off); !errors.Is(err, io.EOF) {
			t.Errorf("NextData(%d): error %v, want EOF", off, err)
		}
		if _, err := c.NextHole(off); !errors.Is(err, io.EOF) {
			t.Errorf("NextHole(%d): error %v, want EOF", off, err)
		}
	}
}
