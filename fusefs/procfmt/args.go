package procfmt

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
	"github.com/ckptfs/ckptfs/memview"
)

// Cmdline is the range of memory that /proc/pid/cmdline shows: the arguments,
// or, where a program has written over their end to set a title of its own,
// the title up to its NUL, which may reach into the environment.
//
// Source: fs/proc/base.c:get_mm_cmdline, get_mm_proctitle.
func Cmdline(mm *decoder.MM, space *memview.AddressSpace) (decoder.Range, error) {
	args, err := knownRange(mm.ArgStart, mm.ArgEnd, space)
	if err != nil || args.Len() == 0 || args.End != mm.ArgEnd {
		return args, err
	}
	var last [1]byte
	if _, err := space.ReadMem(last[:], args.End-1); err != nil || last[0] == 0 {
		return args, err
	}
	limit := args.End
	if mm.EnvStart == args.End && mm.EnvEnd > mm.EnvStart {
		limit = mm.EnvEnd
	}
	// The kernel looks at one page.
	title := make([]byte, mm.PageSize)
	n, err := space.ReadMem(title, args.Start)
	if n == 0 {
		return decoder.Range{}, err
	}
	if end := bytes.IndexByte(title[:n], 0); end >= 0 {
		n = end + 1
	}
	return decoder.Range{Start: args.Start, End: min(limit, args.Start+decoder.Addr(n))}, nil
}

// Environ is the range of memory that /proc/pid/environ shows.
//
// Source: fs/proc/base.c:environ_read.
func Environ(mm *decoder.MM, space *memview.AddressSpace) (decoder.Range, error) {
	return knownRange(mm.EnvStart, mm.EnvEnd, space)
}

// maxItems bounds arguments and environment, in bytes. The kernel lets a
// program start with no more than 6 MiB of them (fs/exec.c:bprm_stack_limits);
// ranges without bound would make files that never end.
const maxItems = 16 << 20

// knownRange is the part of [start, end) from its start on that the
// checkpoint has. Where not even the first byte is there the error is a
// [*memview.Fault].
func knownRange(start, end decoder.Addr, space *memview.AddressSpace) (decoder.Range, error) {
	if end <= start {
		return decoder.Range{Start: start, End: start}, nil
	}
	if end-start > maxItems {
		return decoder.Range{Start: start, End: start}, fmt.Errorf("%d bytes of arguments or environment are more than a process can have", end-start)
	}
	known := space.KnownPrefix(decoder.Range{Start: start, End: end})
	if known.Len() == 0 {
		_, err := space.ReadMem(make([]byte, 1), start)
		return known, err
	}
	return known, nil
}

// Items writes the NUL-separated strings in r one a line, escaped.
func Items(w io.Writer, space *memview.AddressSpace, r decoder.Range) error {
	data := make([]byte, r.Len())
	if _, err := space.ReadMem(data, r.Start); err != nil {
		return err
	}
	for len(data) > 0 {
		item, rest, _ := bytes.Cut(data, []byte{0})
		if _, err := fmt.Fprintln(w, escape.String(string(item))); err != nil {
			return err
		}
		data = rest
	}
	return nil
}

// ErrNoMemory is the error of a file that shows memory, of a process whose mm
// image is unusable.
var ErrNoMemory = errors.New("the process's mm image is missing or unusable")
