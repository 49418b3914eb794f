package decoder

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v7/crit/images/remap-file-path"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// maxPath is the longest path that the kernel takes (limits.h:PATH_MAX).
const maxPath = 4096

// loadFiles decodes the open files, by their id.
func (l *loader) loadFiles() map[uint32]*File {
	files := make(map[uint32]*File)
	inodes := l.memfdInodes()
	err := each(l.images, l.name("files.img"), criu.MagicFiles, func(e *fdinfo.FileEntry, _ *criu.Reader) error {
		if files[e.GetId()] != nil {
			return fmt.Errorf("file %d: there more than once", e.GetId())
		}
		switch e.GetType() {
		case fdinfo.FdTypes_REG:
			if e.GetReg() == nil {
				return fmt.Errorf("file %d: regular, and nothing about it", e.GetId())
			}
			if len(e.GetReg().GetName()) > maxPath {
				return fmt.Errorf("file %d: a path of %d bytes", e.GetId(), len(e.GetReg().GetName()))
			}
			files[e.GetId()] = l.regFile(e.GetReg())
		case fdinfo.FdTypes_MEMFD:
			files[e.GetId()] = memfdFile(e, inodes)
		default:
			files[e.GetId()] = l.otherFile(e)
		}
		return nil
	})
	if errors.Is(err, ErrMissing) {
		// CRIU before 3.4 wrote an image for each type of file.
		if old := l.name("reg-files.img"); l.member(old) != nil {
			err = each(l.images, old, criu.MagicRegFiles, func(e *regfile.RegFileEntry, _ *criu.Reader) error {
				files[e.GetId()] = l.regFile(e)
				return nil
			})
		}
	}
	l.warn.Add(err)
	l.remaps(files)
	l.resolvePaths(files)
	return files
}

func (l *loader) regFile(e *regfile.RegFileEntry) *File {
	f := &File{
		ID: e.GetId(), Kind: FileRegular, Path: cText(e.GetName()), MountID: int(e.GetMntId()), Size: -1, Mode: e.GetMode(),
		Flags: e.GetFlags(), Pos: int64(e.GetPos()), BuildID: buildID(e.GetBuildId()),
	}
	if e.Size != nil && int64(e.GetSize()) >= 0 {
		f.Size = int64(e.GetSize())
	}
	f.Sum = e.Checksum != nil
	if m := l.mounts[f.MountID]; m != nil {
		f.Dev = m.Dev
	}
	return f
}

// buildID turns the words in which CRIU keeps a build-id into its bytes.
func buildID(words []uint32) []byte {
	var id []byte
	for _, w := range words {
		id = binary.LittleEndian.AppendUint32(id, w)
	}
	return id
}

func (l *loader) memfdInodes() map[uint32]*memfd.MemfdInodeEntry {
	inodes := make(map[uint32]*memfd.MemfdInodeEntry)
	err := each(l.images, l.name("memfd.img"), criu.MagicMemfdInode, func(e *memfd.MemfdInodeEntry, _ *criu.Reader) error {
		inodes[uint32(e.GetInodeId())] = e
		return nil
	})
	l.warn.Add(optional(err))
	return inodes
}

func memfdFile(e *fdinfo.FileEntry, inodes map[uint32]*memfd.MemfdInodeEntry) *File {
	f := &File{
		ID: e.GetId(), Kind: FileMemfd, Deleted: true, Unlinked: true, MountID: -1, Size: -1,
		Flags: e.GetMemfd().GetFlags(), Pos: int64(e.GetMemfd().GetPos()),
	}
	if inode := inodes[e.GetMemfd().GetInodeId()]; inode != nil && len(inode.GetName()) <= maxPath {
		f.Path = cText(inode.GetName())
		f.Size = int64(inode.GetSize())
		// CRIU takes the inode number as shmid (criu/memfd.c).
		f.Ino, f.shmid = uint64(inode.GetShmid()), inode.GetShmid()
	}
	return f
}

// remaps marks the files that were unlinked while in use.
func (l *loader) remaps(files map[uint32]*File) {
	err := each(l.images, l.name("remap-fpath.img"), criu.MagicRemapFpath, func(e *remap_file_path.RemapFilePathEntry, _ *criu.Reader) error {
		f := files[e.GetOrigId()]
		if f == nil {
			return nil
		}
		switch e.GetRemapType() {
		case remap_file_path.RemapType_GHOST:
			f.Deleted, f.Unlinked = true, true
			l.ghost(f, e.GetRemapId())
		case remap_file_path.RemapType_LINKED:
			f.Deleted, f.linked = true, e.GetRemapId()
		default:
		}
		return nil
	})
	l.warn.Add(optional(err))
}

// ghost fills in what the ghost file's image says of the unlinked file f.
func (l *loader) ghost(f *File, id uint32) {
	e, _, err := l.ghostFile(id)
	if e == nil {
		l.warn.Add(fmt.Errorf("deleted file %q: %w", f.Path, err))
		return
	}
	f.Ino, f.ghost = e.GetIno(), id
	if e.Dev != nil {
		f.Dev = kernelDev(e.GetDev())
	}
}

// kernelDev splits a device number as the kernel keeps it in 32 bits
// (include/linux/kdev_t.h:MAJOR, MINOR).
func kernelDev(dev uint32) Dev { return Dev{Major: dev >> 20, Minor: dev & 0xfffff} }
