package decoder

import (
	"cmp"
	"errors"
	"io"
	"slices"

	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// ghost is a deleted file by its image.
type ghost struct {
	head    *ghost_file.GhostFileEntry
	content *Backing
	err     error
}

// ghostFile is a deleted file that was in use: what its image says of it and
// its content. It is decoded once: any number of files may be said to be it.
func (l *loader) ghostFile(id uint32) (*ghost_file.GhostFileEntry, *Backing, error) {
	g, ok := l.ghosts[id]
	if !ok {
		g.head, g.content, g.err = l.readGhostFile(id)
		if l.ghosts == nil {
			l.ghosts = make(map[uint32]ghost)
		}
		l.ghosts[id] = g
	}
	return g.head, g.content, g.err
}

// readGhostFile decodes the image of a deleted file. Behind the entry stands
// either all of it, or, from 12 KiB on, pieces with an entry each that says where
// they belong.
//
// Source: criu/files-reg.c:dump_ghost_file, copy_file_to_chunks.
func (l *loader) readGhostFile(id uint32) (*ghost_file.GhostFileEntry, *Backing, error) {
	name := l.name("ghost-file-%x.img", id)
	m, err := l.image(name)
	if err != nil {
		return nil, nil, err
	}
	r, err := criu.NewReader(name, l.metered(m), m.Size(), criu.MagicGhostFile)
	if err != nil {
		return nil, nil, err
	}
	head := new(ghost_file.GhostFileEntry)
	_, end, err := l.next(r, head)
	if errors.Is(err, io.EOF) {
		err = r.Errorf(end, "no entry")
	}
	if err != nil {
		return nil, nil, err
	}
	b := &Backing{Image: Image{m, l.mountPath(name)}, Size: m.Size() - end}
	if !head.GetChunks() {
		b.Fragments = []Fragment{{0, b.Size, end}}
		return head, b, nil
	}
	if b.Size = int64(head.GetSize()); b.Size < 0 {
		return head, nil, r.Errorf(end, "a file of %d bytes", head.GetSize())
	}
	if b.Fragments, err = l.ghostChunks(r, b.Size); err != nil {
		return head, nil, err
	}
	return head, b, nil
}

// ghostChunks are the pieces of a deleted file of that size, sorted by where
// they belong.
func (im *images) ghostChunks(r *criu.Reader, size int64) (list []Fragment, err error) {
	for {
		var chunk ghost_file.GhostChunkEntry
		_, at, err := im.next(r, &chunk)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		f := Fragment{Off: int64(chunk.GetOff()), Len: int64(chunk.GetLen()), At: at}
		if f.Off < 0 || f.Len <= 0 || f.Off > size || f.Len > size-f.Off {
			return nil, r.Errorf(at, "a piece of %d bytes at %d in a file of %d", f.Len, f.Off, size)
		}
		list = append(list, f)
		if err := r.SkipPayload(f.Len); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(x, y Fragment) int { return cmp.Compare(x.Off, y.Off) })
	for i := 1; i < len(list); i++ {
		if before, f := list[i-1], list[i]; f.Off < before.Off+before.Len {
			return nil, r.Errorf(f.At, "a piece at %d that overlaps the one before", f.Off)
		}
	}
	return list, nil
}
