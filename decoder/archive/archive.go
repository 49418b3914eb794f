package archive

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Archive is a list of members. It is immutable and safe for concurrent use.
type Archive struct {
	index
	form   string
	size   int64 // bytes of the archive as it lies on disk
	cut    bool  // expanded no further than Options.Head
	closer io.Closer
}

// Options are the settings of Open; the zero value serves.
type Options struct {
	// SpoolDir is where compressed archives are expanded. Empty stands for
	// $TMPDIR, or /var/tmp where that is not set or kept in memory.
	SpoolDir string
	// SpoolFile makes a file in that directory, where this process may not do
	// so itself; nil stands for [SpoolFile].
	SpoolFile func(dir string) (*os.File, error)
	// Head, if not 0, is how many bytes of a compressed archive are expanded.
	// What comes behind them is missing, as if the archive were damaged.
	Head int64
	// Room, if not nil, is what is left for this archive and others together.
	Room *Room
	// Progress is called when an archive is to be expanded, with its form and
	// its size in bytes. What is written to the result is the compressed
	// bytes as they are used up, and where that fails, so does the expansion;
	// it is closed at the end. It may be nil.
	Progress func(form string, size int64) io.WriteCloser
}

// Room is how much archives that are opened together can make us keep and do:
// one can hold the same tar many times. It is used by one goroutine at a time.
type Room struct {
	// Memory is for the members, in bytes.
	Memory int64
	// Expanded is how many bytes compressed archives can still expand to.
	Expanded int64
}

// RoomIn is what is left by an archive for those that are in it.
func RoomIn(a *Archive) *Room {
	return &Room{maxMemory - a.memory, expansionLimit(a.size)}
}

// Footprint is about how many bytes of memory the members take.
func (a *Archive) Footprint() int64 { return a.memory }

func (r *Room) memory() int64 {
	if r == nil {
		return maxMemory
	}
	return r.Memory
}

func (r *Room) take(memory int64) {
	if r != nil {
		r.Memory -= memory
	}
}

// expand is how many bytes a compressed archive of that size may expand to.
func (r *Room) expand(compressed int64) int64 {
	limit := expansionLimit(compressed)
	if r != nil {
		limit = min(limit, r.Expanded)
	}
	return limit
}

func (r *Room) expanded(size int64) {
	if r != nil {
		r.Expanded = max(r.Expanded-size, 0)
	}
}

// Open opens the archive at path: a tar, plain or compressed with gzip,
// bzip2, xz or zstd, or a directory. What it is is read from its content,
// never from its name. The error is one line that says what is wrong with
// path; damage of which something is left is no error.
func Open(path string, opts Options) (*Archive, error) {
	f, err := OpenPath(path)
	if err != nil {
		return nil, err
	}
	a, err := OpenFile(f, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// OpenPath opens the file or directory at path for [OpenFile], without a look
// into it.
func OpenPath(path string) (*os.File, error) {
	// O_NONBLOCK: a FIFO must not make us wait for a writer.
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

// OpenFile is Open for a file or directory that is open. It is closed with the
// archive, or before.
func OpenFile(f *os.File, opts Options) (*Archive, error) {
	a, err := open(f, opts)
	if err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

func open(f *os.File, opts Options) (*Archive, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return openDir(f)
	case !info.Mode().IsRegular():
		return nil, &NotArchiveError{"neither a file nor a directory"}
	}
	s, err := steady(f)
	if err != nil {
		return nil, err
	}
	a, err := openTar(s, s.want.size, opts)
	if err != nil {
		return nil, err
	}
	if a.closer == nil {
		a.closer = f
		return a, nil
	}
	return a, f.Close() // it was expanded
}

// OpenNested opens a tar, plain or compressed, of that size inside another
// file, such as rootfs-diff.tar. An empty one is a tar without members.
func OpenNested(r io.ReaderAt, size int64, opts Options) (*Archive, error) {
	if size == 0 {
		return &Archive{form: "tar", closer: noCloser{}}, nil
	}
	a, err := openTar(r, size, opts)
	if err == nil && a.closer == nil {
		a.closer = noCloser{}
	}
	return a, err
}

// openTar opens a tar of any form. It has a closer only if it was expanded.
func openTar(r io.ReaderAt, compressed int64, opts Options) (*Archive, error) {
	form, err := sniff(r)
	if err != nil {
		return nil, err
	}
	a := &Archive{form: form.name, size: compressed}
	content, size := r, compressed
	var cut error
	if form.expand != nil {
		var spooled *os.File
		spooled, size, cut, err = spool(io.NewSectionReader(r, 0, compressed), compressed, form, opts)
		if err != nil {
			return nil, err
		}
		content, a.closer = spooled, spooled
		a.cut = opts.Head > 0 && size == opts.Head
	}
	a.index = indexTar(content, size, opts.Room.memory())
	opts.Room.take(a.memory)
	if damage := a.Damage(); len(a.members) == 0 && isFormat(damage) {
		if a.closer != nil {
			a.closer.Close()
		}
		return nil, damage[0]
	}
	if cut != nil {
		a.damage.addf(size, "the %s stream is damaged: %w; what it expands to may be wrong or incomplete", form.name, cut)
	}
	return a, nil
}

// isFormat tells whether the first damage is of the tar itself, and not of
// the name of a member.
func isFormat(damage []error) bool {
	var format *FormatError
	return len(damage) > 0 && errors.As(damage[0], &format)
}

type noCloser struct{}

func (noCloser) Close() error { return nil }

// Form says what the archive is: tar, tar.gz, tar.bz2, tar.xz, tar.zst or
// directory.
func (a *Archive) Form() string { return a.form }

// Members lists the members in the order of the archive, those of a
// directory sorted by name. Parents that the archive does not list are not
// among them. The caller must not change the slice.
func (a *Archive) Members() []*Member { return a.members }

// Folder is the folder that the archive was made of, as a tar lists it under the
// name "."; nil where it does not. It has no name and is not among the members.
func (a *Archive) Folder() *Member { return a.folder }

// Lookup is the member of that cleaned name, or nil.
func (a *Archive) Lookup(name string) *Member { return a.byName[name] }

// Without is the archive without some of its members. It lasts as long as the
// archive itself, which alone is to be closed.
func (a *Archive) Without(out func(*Member) bool) *Archive {
	b := &Archive{form: a.form, size: a.size, closer: noCloser{}}
	b.damage, b.folder = a.damage, a.folder
	b.byName = make(map[string]*Member)
	for _, m := range a.members {
		if !out(m) {
			b.members = append(b.members, m)
			b.byName[m.Name] = m
		}
	}
	return b
}

// Damage lists what was found wrong, each with its place.
func (a *Archive) Damage() []error { return a.damage.list() }

// Complete tells whether all members are there, as far as can be seen.
func (a *Archive) Complete() bool { return !a.damage.lost }

// Cut tells whether members may be missing because of Options.Head.
func (a *Archive) Cut() bool { return a.cut }

// Size is the size in bytes of the archive as it lies on disk; for a
// directory, that of its files.
func (a *Archive) Size() int64 { return a.size }

// Close closes the archive. Members must not be read any more.
func (a *Archive) Close() error { return a.closer.Close() }
