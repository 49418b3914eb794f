package decoder_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/timens"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

func TestUptime(t *testing.T) {
	image := func(sec, nsec uint64) []byte {
		zero := uint64(0)
		return decodertest.Image(criu.MagicTimens, &timens.TimensEntry{
			Monotonic: &timens.Timespec{TvSec: &zero, TvNsec: &zero},
			Boottime:  &timens.Timespec{TvSec: &sec, TvNsec: &nsec},
		})
	}
	for _, test := range []struct {
		name    string
		image   []byte
		want    time.Duration
		warning string
	}{
		{"none", nil, 0, ""},
		{"some", image(1946, 690797694), 1946690797694 * time.Nanosecond, ""},
		{"more than a duration holds", image(math.MaxUint64, 0), 0, "which cannot be"},
		{"nanoseconds beyond a second", image(1, math.MaxUint64), 0, "which cannot be"},
		{"another image", decodertest.Image(criu.MagicUTSNS), 0, "magic"},
	} {
		ck := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1}}, Members: map[string][]byte{"checkpoint/timens-0.img": test.image}}.Open(t)
		if ck.Uptime != test.want {
			t.Errorf("%s: %v, want %v", test.name, ck.Uptime, test.want)
		}
		if got := strings.Join(ck.Warnings.List(), "; "); test.warning != "" && !strings.Contains(got, "timens-0.img") || !strings.Contains(got, test.warning) {
			t.Errorf("%s: warnings %q, want %q", test.name, got, test.warning)
		}
	}
}
