package layout_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/layout"
	"github.com/ckptfs/ckptfs/fusefs/tree/treetest"
)

// What a small archive may cost whoever opens it and looks at all of it: more
// than ten times what it costs undamaged.
const (
	timeBound   = time.Minute
	memoryBound = 1 << 30 // bytes that are allocated, also those that are freed again
)

// outcome is what becomes of a damaged archive.
type outcome int

const (
	refused outcome = iota
	warned
	silent
	outcomes // how many there are
)

// lookAt opens an archive and walks the whole tree of what is in it. The error
// is that something was broken by it: it says nothing of what is damaged.
func lookAt(r io.ReaderAt, size int64) (o outcome, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	defer func() {
		runtime.ReadMemStats(&after)
		if took, grown := time.Since(start), after.TotalAlloc-before.TotalAlloc; took > timeBound || grown > memoryBound {
			err = errors.Join(err, fmt.Errorf("took %v and %d bytes", took, grown))
		}
	}()
	a, err := archive.OpenNested(r, size, archive.Options{})
	if err != nil {
		return refused, nil
	}
	ck, err := decoder.Open(a, decoder.Options{})
	if err != nil {
		a.Close()
		return refused, nil
	}
	defer ck.Close()
	// That one takes as long as its files are large, and holes are of any size.
	seen, err := treetest.Walk(layout.Root(ck, layout.Options{}), "/recovered/SHA256SUMS")
	switch warnings := len(ck.Warnings.List()); {
	case err != nil:
		return warned, err
	case warnings > 0:
		return warned, nil
	case seen.Failed > 0:
		return silent, fmt.Errorf("%d files that cannot be read, and no warning", seen.Failed)
	default:
		return silent, nil
	}
}

// flipped is an archive with a byte that is another.
type flipped struct {
	io.ReaderAt
	at   int64
	mask byte
}

func (f flipped) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(p, off)
	if f.at >= off && f.at < off+int64(n) {
		p[f.at-off] ^= f.mask
	}
	return n, err
}

// fixture is an archive of integration/testdata, expanded.
func fixture(t testing.TB, parts ...string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{"..", "..", "integration", "testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDamagedArchive flips bytes of a real checkpoint, and cuts it short at the
// borders of the blocks of its tar: every case is refused, or the whole tree
// can be looked at.
//
// CKPTFS_DAMAGE=all tries 10,000 bytes and every border, which takes ten minutes,
// and prints the table that stands in README.
func TestDamagedArchive(t *testing.T) {
	const flips, block = 10_000, 512
	step := 200
	if os.Getenv("CKPTFS_DAMAGE") == "all" {
		step = 1
	}
	whole := fixture(t, "zoo", "checkpoint.tar.zst")
	reader := bytes.NewReader(whole)
	size := int64(len(whole))
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, row := range []struct {
		name  string
		cases int
		make  func(i int) (r io.ReaderAt, size int64, name string)
	}{
		{"a flipped byte", flips, func(int) (io.ReaderAt, int64, string) {
			at, mask := rnd.Int64N(size), byte(1+rnd.IntN(255))
			return flipped{reader, at, mask}, size, fmt.Sprintf("byte %d ^ %#x", at, mask)
		}},
		{"cut short", int((size + block - 1) / block), func(i int) (io.ReaderAt, int64, string) {
			at := int64(i) * block
			return bytes.NewReader(whole[:at]), at, fmt.Sprintf("cut at %d", at)
		}},
	} {
		var count [outcomes]int
		var worst time.Duration
		for i := range row.cases {
			r, size, name := row.make(i)
			if i%step != 0 {
				continue
			}
			start := time.Now()
			o, err := lookAt(r, size)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			worst = max(worst, time.Since(start))
			count[o]++
		}
		t.Logf("%s: mounted with warnings %d, without %d, refused %d; the longest took %v",
			row.name, count[warned], count[silent], count[refused], worst)
	}
}
