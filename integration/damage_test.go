package integration

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// How many places are damaged, and every how many of the damaged archives is
// mounted and walked too. CKPTFS_DAMAGE_STRIDE=1 mounts all.
const (
	cuts, flips = 200, 1000
	stride      = 20
	caseLimit   = 20 * time.Second
)

// damageSeed makes the places the same in every run.
var damageSeed = [2]uint64{0x636b7074, 0x6673}

// A damage is one way to break an archive.
type damage struct {
	name  string
	apply func(archive []byte) []byte
	loses bool // members or parts of them are gone, which must not go unsaid
}

// cut ends an archive at an offset. Beyond content there is only padding.
func cut(at, content int) damage {
	return damage{fmt.Sprintf("cut at %d", at), func(b []byte) []byte { return b[:at] }, at < content}
}

func flip(at int, mask byte) damage {
	return damage{fmt.Sprintf("flip %#x at %d", mask, at), func(b []byte) []byte {
		b = append([]byte(nil), b...)
		b[at] ^= mask
		return b
	}, false}
}

// damages returns the damages of an archive of size bytes, which hold content
// up to an offset. Half of the flips
// are at the places given, where the metadata is: most of the rest hits pages,
// where a flipped byte is as good as any other.
func damages(rnd *rand.Rand, size, content int, places []span) []damage {
	var out []damage
	for range cuts {
		out = append(out, cut(rnd.IntN(size), content))
	}
	for i := range flips {
		at := rnd.IntN(size)
		if i%2 == 0 && len(places) > 0 {
			p := places[rnd.IntN(len(places))]
			at = int(p.start) + rnd.IntN(int(p.end-p.start))
		}
		out = append(out, flip(at, byte(1+rnd.IntN(255))))
	}
	return out
}

// metadata returns where a plain tar's headers and small members lie.
func metadata(t testing.TB, archive string) []span {
	t.Helper()
	f := open(t, archive)
	var out []span
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		pos, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(h.Name, "pages-") {
			out = append(out, span{uint64(pos - 512), uint64(pos + min(h.Size, 8192))})
		}
	}
}
