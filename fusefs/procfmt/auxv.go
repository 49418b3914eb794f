package procfmt

import (
	"encoding/binary"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// Auxv writes /proc/pid/auxv: pairs of words of 8 bytes, up to and with the
// AT_NULL pair, which CRIU leaves out on x86.
//
// Source: fs/proc/base.c:auxv_read.
func Auxv(w io.Writer, mm *decoder.MM) error {
	var b []byte
	for i := 0; i+1 < len(mm.Auxv); i += 2 {
		b = binary.LittleEndian.AppendUint64(b, mm.Auxv[i])
		b = binary.LittleEndian.AppendUint64(b, mm.Auxv[i+1])
		if mm.Auxv[i] == 0 {
			_, err := w.Write(b)
			return err
		}
	}
	_, err := w.Write(append(b, make([]byte, 16)...))
	return err
}
