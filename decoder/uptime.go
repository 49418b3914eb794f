package decoder

import (
	"math"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/timens"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// uptime is how long the machine had been up at the dump, as the processes saw
// it: an offset of their time namespace is in it. It is 0 where CRIU did not
// save it.
//
// Source: timens-<id>.img; criu/timens.c:dump_time_ns.
func (l *loader) uptime() time.Duration {
	names := l.matching("timens-*.img")
	if len(names) == 0 {
		return 0
	}
	e, err := one[timens.TimensEntry](l.images, names[0], criu.MagicTimens)
	if err != nil {
		l.warn.Add(err)
		return 0
	}
	sec, nsec := e.GetBoottime().GetTvSec(), e.GetBoottime().GetTvNsec()
	if sec >= math.MaxInt64/uint64(time.Second) || nsec >= uint64(time.Second) {
		l.warn.Addf("%s: an uptime of %d seconds and %d nanoseconds, which cannot be", names[0], sec, nsec)
		return 0
	}
	return time.Duration(sec)*time.Second + time.Duration(nsec)
}
