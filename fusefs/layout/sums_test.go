package layout

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"testing"
	"testing/iotest"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// A sum is taken when its line is read, and only then; the size is known
// before.
func TestSumsAreLazy(t *testing.T) {
	taken := make(map[string]int)
	var list []summed
	for _, name := range []string{"a", "back\\slash", "c"} {
		list = append(list, summed{name, once(func() (tree.Content, error) {
			taken[name]++
			return bytes.NewReader([]byte(name)), nil
		})})
	}
	s := newSums(list)
	if want := int64(3*(64+3) + len("aback\\\\slashc") + 1); s.Size() != want || len(taken) > 0 {
		t.Errorf("Size() = %d, want %d; sums taken of %v", s.Size(), want, taken)
	}
	line := make([]byte, 20)
	if _, err := s.ReadAt(line, 90); err != nil || fmt.Sprint(taken) != "map[back\\slash:1]" {
		t.Errorf("one line read: %v, sums taken of %v", err, taken)
	}
	want := "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n" +
		"\\" + "1498e0b566ad7dd265d5f2deebc80abb7b9446c3e943decbb8637b433fe65f6a" + "  back\\\\slash\n" +
		"2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6  c\n"
	got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()))
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	if err := iotest.TestReader(io.NewSectionReader(s, 0, s.Size()), got); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(taken) != "map[a:1 back\\slash:1 c:1]" {
		t.Errorf("sums taken of %v, want each once", taken)
	}
	if empty := newSums(nil); empty.Size() != 0 {
		t.Errorf("no lines: %d bytes", empty.Size())
	}
}

// endless is a file of nothing but a hole, as large as a file can be.
type endless struct{ *bytes.Reader }

func (endless) Size() int64                       { return math.MaxInt64 }
func (endless) DataSize() int64                   { return 0 }
func (endless) NextData(int64) (int64, error)     { return 0, io.EOF }
func (endless) NextHole(off int64) (int64, error) { return off, nil }

func TestSumOfHoles(t *testing.T) {
	left := holes(maxHoles)
	if left.take(endless{}) || !left.take(bytes.NewReader(nil)) || left != maxHoles {
		t.Errorf("%d bytes of holes are left of %d", left, int64(maxHoles))
	}
	s := newSums([]summed{{"x\ny", tooManyHoles}})
	got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()))
	if want := fmt.Sprintf("%-65s  x\\ny\n", "# has too many holes:"); err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
