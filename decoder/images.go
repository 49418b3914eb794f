package decoder

import (
	"errors"
	"fmt"
	"io"
	"path"

	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
)

// ErrMissing is the error of an image that the checkpoint should have and
// does not.
var ErrMissing = errors.New("missing")

// images is the folder of the archive that holds CRIU's images.
type images struct {
	archive *archive.Archive
	dir     string // "" where they stand at the top
	mount   string // where the archive's members stand in the mount; "" for one that is not in it
	budget  *budget
}

// archiveDir is where the mount has the members of the archive.
const archiveDir = "archive"

// mountPath is where a member stands in the mount, or, for one of another
// archive, what it is called there.
func (im *images) mountPath(name string) string { return path.Join(im.mount, name) }

// NotCheckpointError is the error of an archive that can be read but is no
// checkpoint, or one of a form that is not supported.
type NotCheckpointError struct{ Reason string }

func (e *NotCheckpointError) Error() string { return e.Reason }

// name is the member name of an image.
func (im *images) name(format string, args ...any) string {
	return path.Join(im.dir, fmt.Sprintf(format, args...))
}

// member is the member of that name if it is a regular file, or nil.
func (im *images) member(name string) *archive.Member {
	m := im.archive.Lookup(name)
	if m == nil || m.Type != archive.TypeRegular {
		return nil
	}
	return m
}

// image is the member of that name, which must be a file of its own: one
// image under many names would be decoded as often, from next to no bytes.
func (im *images) image(name string) (*archive.Member, error) {
	m := im.archive.Lookup(name)
	switch {
	case m == nil:
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	case m.Type != archive.TypeRegular:
		return nil, fmt.Errorf("%s: no regular file", name)
	case m.LinkName != "":
		return nil, fmt.Errorf("%s: a hard link to %q, which no image is", name, m.LinkName)
	}
	return m, nil
}

// metered is an image that is to be decoded.
func (im *images) metered(m *archive.Member) io.ReaderAt { return metered{m, im.budget} }

// message is a pointer to the generated message type M.
type message[M any] interface {
	*M
	proto.Message
}

// each decodes the entries of an image one after the other and passes them
// to f, with a reader that can skip the entry's payload. Where f or an entry
// fails, it stops: what follows cannot be trusted. A missing image is an
// error that wraps ErrMissing.
func each[M any, P message[M]](im *images, name string, magic criu.Magic, f func(P, *criu.Reader) error) error {
	m, err := im.image(name)
	if err != nil {
		return err
	}
	r, err := criu.NewReader(name, im.metered(m), m.Size(), magic)
	if err != nil {
		return err
	}
	for {
		msg := P(new(M))
		start, _, err := im.next(r, msg)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(msg, r); err != nil {
			return r.Errorf(start, "%w", err)
		}
	}
}

// next decodes the next entry of an image into msg. It gives the offsets of
// the entry's first byte and of the byte behind it; the error is io.EOF where
// there is no entry. The entry's bytes are out of the budget already.
func (im *images) next(r *criu.Reader, msg proto.Message) (start, end int64, err error) {
	entry, start, err := r.Next()
	if err != nil {
		return 0, 0, err
	}
	message := msg.ProtoReflect().Descriptor()
	if err := im.budget.take(max(weight(message, entry, maxDepth)-int64(len(entry)), 0)); err != nil {
		return 0, 0, r.Errorf(start, "an entry of %d bytes: %w", len(entry), err)
	}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(entry, msg); err != nil {
		return 0, 0, r.Errorf(start, "an entry that is no %s: %w", message.Name(), err)
	}
	return start, start + int64(len(entry)), nil
}

var errStop = errors.New("enough")

// one decodes the first entry of an image.
func one[M any, P message[M]](im *images, name string, magic criu.Magic) (P, error) {
	var msg P
	err := each(im, name, magic, func(m P, _ *criu.Reader) error {
		msg = m
		return errStop
	})
	switch {
	case msg != nil:
		return msg, nil
	case err == nil:
		return nil, &criu.FormatError{Image: name, Err: errors.New("no entry")}
	default:
		return nil, err
	}
}

// optional turns the error of an image that need not exist into nil.
func optional(err error) error {
	if errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}
