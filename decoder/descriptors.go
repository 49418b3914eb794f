package decoder

import (
	"errors"
	"fmt"
	"slices"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Descriptor is an open file descriptor of a process.
//
// Source: fdinfo-<id>.img.
type Descriptor struct {
	FD          int
	CloseOnExec bool
	File        *File
}

// maxDescriptor is the highest number that the kernel can be told to allow
// (fs/file.c:sysctl_nr_open_max).
const maxDescriptor = 1<<31 - 64

// descriptors decodes a table of descriptors, sorted, once: processes may
// share it.
func (l *loader) descriptors(id uint32) []Descriptor {
	if list, ok := l.tables[id]; ok {
		return list
	}
	name := l.name("fdinfo-%d.img", id)
	var list []Descriptor
	seen := make(map[uint32]bool)
	err := each(l.images, name, criu.MagicFdinfo, func(e *fdinfo.FdinfoEntry, _ *criu.Reader) error {
		f := l.files[e.GetId()]
		switch {
		case e.GetFd() > maxDescriptor || seen[e.GetFd()]:
			return fmt.Errorf("descriptor %d: impossible, or there more than once", e.GetFd())
		case f == nil:
			l.warn.Addf("%s: descriptor %d is of file %d, which %s does not have", name, e.GetFd(), e.GetId(), l.name("files.img"))
			return nil
		}
		seen[e.GetFd()] = true
		const closeOnExec = 1 // FD_CLOEXEC
		list = append(list, Descriptor{int(e.GetFd()), e.GetFlags()&closeOnExec != 0, f})
		return nil
	})
	if errors.Is(err, ErrMissing) {
		// CRIU makes an image when it has something to write into it.
		err = fmt.Errorf("%w, unless the processes of this table had nothing open", err)
	}
	l.warn.Add(err)
	slices.SortFunc(list, func(a, b Descriptor) int { return a.FD - b.FD })
	if l.tables == nil {
		l.tables = make(map[uint32][]Descriptor)
	}
	l.tables[id] = list
	return list
}

// maxDescriptors bounds the descriptors of all processes together: a hostile
// archive can give each of 100,000 processes the same table of 100,000.
const maxDescriptors = 4 << 20

// held gives a process its table of descriptors, as long as there is room.
func (l *loader) held(pid int, table []Descriptor) []Descriptor {
	if len(table) > maxDescriptors-l.allHeld {
		l.warn.Addf("process %d: its %d descriptors are left out: all processes together have more than %d", pid, len(table), maxDescriptors)
		return nil
	}
	l.allHeld += len(table)
	return table
}
