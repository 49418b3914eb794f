package procfmt

import (
	"fmt"
	"io"
	"math"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/memview"
)

// Release is the release of the kernel that ran a process, "6.18.44", or ""
// where its vDSO was not captured. It is LINUX_VERSION_CODE, which the vDSO
// has in a note; the kernel counts no further than 255 in its last number.
//
// Source: arch/x86/entry/vdso/vdso-note.S; include/linux/version.h.
func Release(mm *decoder.MM, space *memview.AddressSpace) string {
	if mm == nil {
		return ""
	}
	for _, v := range mm.VMAs {
		if !v.Status.Has(decoder.StatusVDSO) {
			continue
		}
		if code, ok := versionCode(memory{space, v.Start}, v.Len()); ok {
			return fmt.Sprintf("%d.%d.%d", code>>16, code>>8&0xff, code&0xff)
		}
	}
	return ""
}

// memory reads an address space from an address on.
type memory struct {
	space *memview.AddressSpace
	start decoder.Addr
}

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	return m.space.ReadMem(p, m.start+decoder.Addr(off))
}

// versionCode finds the note of that name in a vDSO of that many bytes.
func versionCode(vdso io.ReaderAt, size uint64) (uint32, bool) {
	code, order, _ := decoder.ELFNote(io.NewSectionReader(vdso, 0, int64(min(size, math.MaxInt64))), "Linux", 0)
	if len(code) != 4 {
		return 0, false
	}
	return order.Uint32(code), true
}
