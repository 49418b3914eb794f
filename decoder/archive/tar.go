package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// block is the unit of a tar, in bytes.
const block = 512

// typeDumpDir is a directory in an incremental archive of GNU tar
// (GNUTYPE_DUMPDIR); its bytes are a list of names.
const typeDumpDir = 'D'

// indexTar walks the headers of a tar. It never reads what stands between
// them but for the last byte of each member, which tells whether it is there.
//
// It ends where the members take more than room bytes of memory.
//
// A broken header ends the walk. What follows is not searched for another
// one: a member that is itself a tar has headers in it, which would pose as
// members.
func indexTar(r io.ReaderAt, size, room int64) index {
	var x index
	s := &headerSource{r: r, size: size}
	t := tar.NewReader(s)
	for {
		s.first = -1
		at := s.pos
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			if !s.endMark() {
				x.damage.addf(size, "the archive ends without an end mark: it may be cut short")
			}
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // our own checks are stricter
			x.damage.add(tarDamage(&x, at, size, err))
			break
		}
		if err := addTarMember(&x, s, h); err != nil {
			x.damage.add(fmt.Errorf("member %s: %w, left out", quote(h.Name), err))
		}
		if x.memory > room {
			x.damage.addf(s.pos, "members whose names and attributes take more than %d bytes of memory; what follows is missing", room)
			break
		}
	}
	x.settle()
	return x
}

// tarDamage says what it means that the walk ended with err behind the
// offset at.
func tarDamage(x *index, at, size int64, err error) error {
	last := "the archive"
	if n := len(x.members); n > 0 {
		last = "member " + quote(x.members[n-1].Name)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{size, fmt.Errorf("the archive is cut short in or behind %s, what follows is missing: %w", last, err)}
	}
	return &FormatError{at, fmt.Errorf("behind %s: %w; what follows is missing", last, err)}
}

func addTarMember(x *index, s *headerSource, h *tar.Header) error {
	if out := outOfRange(h); out != "" {
		return errors.New(out)
	}
	m := &Member{
		Perm: uint32(h.Mode) & 0o7777, UID: uint32(h.Uid), GID: uint32(h.Gid),
		ModTime: h.ModTime, AccessTime: h.AccessTime, ChangeTime: h.ChangeTime,
		Xattrs: xattrs(h.PAXRecords),
	}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeLink:
		x.addLink(m, h.Name, h.Linkname)
		return nil
	case tar.TypeDir, typeDumpDir:
		m.Type = TypeDirectory
	case tar.TypeSymlink:
		if len(h.Linkname) >= maxName {
			return errors.New("a target that is too long")
		}
		m.Type, m.Target = TypeSymlink, h.Linkname
	case tar.TypeFifo:
		m.Type = TypeFIFO
	case tar.TypeChar, tar.TypeBlock:
		m.Type, m.Major, m.Minor = TypeChar, uint32(h.Devmajor), uint32(h.Devminor)
		if h.Typeflag == tar.TypeBlock {
			m.Type = TypeBlock
		}
	default:
		// POSIX: a type that is not known is read as a regular file.
		m.size = h.Size
		fragments, isSparse, err := sparseMap(s, h)
		switch {
		case err != nil:
			return err
		case isSparse:
			m.body = newSparse(s.r, fragments, h.Size)
		default:
			m.body = &section{s.r, s.pos, h.Size}
		}
	}
	x.add(m, h.Name)
	return nil
}

// outOfRange names a number of a header that the kernel has no room for. Cut
// off, it would be another: an owner of 2^32 would be root.
func outOfRange(h *tar.Header) string {
	for _, f := range []struct {
		name       string
		value, max int64
	}{
		{"owner", int64(h.Uid), math.MaxUint32},
		{"group", int64(h.Gid), math.MaxUint32},
		{"major device number", h.Devmajor, 1<<12 - 1},
		{"minor device number", h.Devminor, 1<<20 - 1},
	} {
		if f.value < 0 || f.value > f.max {
			return fmt.Sprintf("%s %d is impossible", f.name, f.value)
		}
	}
	return ""
}

// Limits of extended attributes (include/uapi/linux/limits.h).
const (
	maxXattrName  = 255     // XATTR_NAME_MAX
	maxXattrValue = 1 << 16 // XATTR_SIZE_MAX
)

// xattrs takes the extended attributes out of PAX records.
func xattrs(records map[string]string) map[string]string {
	const prefix = "SCHILY.xattr."
	var attrs map[string]string
	for key, value := range records {
		name, ok := strings.CutPrefix(key, prefix)
		if ok && name != "" && len(name) <= maxXattrName && len(value) <= maxXattrValue {
			if attrs == nil {
				attrs = make(map[string]string)
			}
			attrs[name] = value
		}
	}
	return attrs
}

// headerSource is the tar as archive/tar reads it. After a header its
// position is where the member's bytes begin.
type headerSource struct {
	r     io.ReaderAt
	size  int64
	pos   int64
	first int64 // where the first block of the current header was read, or -1
	buf   [8 * block]byte
	at    int64 // offset of buf
	n     int   // bytes in buf
}

func (s *headerSource) Read(p []byte) (int, error) {
	// Only headers are read by the block: archive/tar seeks over contents.
	if len(p) == block && s.first < 0 {
		s.first = s.pos
	}
	if s.pos >= s.size {
		return 0, io.EOF
	}
	if s.pos < s.at || s.pos >= s.at+int64(s.n) {
		n, err := s.r.ReadAt(s.buf[:min(int64(len(s.buf)), s.size-s.pos)], s.pos)
		if n == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		s.at, s.n = s.pos, n
	}
	n := copy(p, s.buf[s.pos-s.at:s.n])
	s.pos += int64(n)
	return n, nil
}

// endMark tells whether the block read last is the zeros that end a tar. An
// empty file, too, is a tar that ends.
func (s *headerSource) endMark() bool {
	if s.first < 0 {
		return s.size == 0
	}
	var b [block]byte
	n, _ := s.r.ReadAt(b[:], s.first)
	return n == block && zeros(b[:])
}

// Seek moves by offset from where it is: all that archive/tar asks for.
func (s *headerSource) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 || s.pos+offset < s.pos {
		return 0, errors.ErrUnsupported
	}
	s.pos += offset
	return s.pos, nil
}

// startsTar tells whether head is a tar's first block: a header with a good
// checksum, or the zeros at the end of a tar without members.
//
// The checksum is the sum of the header's bytes, its own 8 taken for spaces
// (POSIX, pax, "ustar Interchange Format").
func startsTar(head []byte) bool {
	const at, end = 148, 156
	if len(head) < block {
		return false
	}
	var sum int64
	for i, c := range head[:block] {
		if i >= at && i < end {
			c = ' '
		}
		sum += int64(c)
	}
	if sum == (end-at)*' ' && zeros(head[:block]) {
		return true
	}
	want, err := headerNumber(head[at:end])
	return err == nil && want == sum
}
