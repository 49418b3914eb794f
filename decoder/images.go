package decoder

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

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

// findImages finds the folder of the images by their pstree.img. Engines put
// it into checkpoint/, CRIU and runc write it wherever they are told to; in a
// chain of incremental dumps only the last has one.
//
// Without a pstree.img the folder of inventory.img will do, since that is
// what a damaged archive may still have.
func findImages(a *archive.Archive) (*images, error) {
	if reason := otherForm(a); reason != "" {
		return nil, &NotCheckpointError{reason}
	}
	for _, name := range []string{"pstree.img", "inventory.img"} {
		var dirs []string
		for _, m := range a.Members() {
			if path.Base(m.Name) == name && m.Type == archive.TypeRegular {
				dirs = append(dirs, folder(m.Name))
			}
		}
		switch {
		case len(dirs) == 1:
			return &images{a, dirs[0], archiveDir}, nil
		case len(dirs) > 1:
			return chooseDir(a, dirs)
		}
	}
	// A cut may have taken both away.
	for _, m := range a.Members() {
		if strings.HasSuffix(m.Name, ".img") {
			return &images{a, folder(m.Name), archiveDir}, nil
		}
	}
	return nil, &NotCheckpointError{"no checkpoint: it has no CRIU images (no pstree.img, no inventory.img)"}
}

// folder is the folder of a member; "" is the top.
func folder(name string) string {
	dir, _ := path.Split(name)
	return strings.TrimSuffix(dir, "/")
}

// chooseDir decides between several folders with images: checkpoint/ is the
// one that engines write.
func chooseDir(a *archive.Archive, dirs []string) (*images, error) {
	for _, want := range []string{"checkpoint", ""} {
		for _, dir := range dirs {
			if dir == want {
				return &images{a, dir, archiveDir}, nil
			}
		}
	}
	return nil, &NotCheckpointError{fmt.Sprintf("several checkpoints (%q and %q, %d in all): unpack it and mount one of the folders",
		dirs[0], dirs[1], len(dirs))}
}

// otherForm names what an archive is that is not a plain checkpoint, or "".
func otherForm(a *archive.Archive) string {
	has := func(name string) bool { return a.Lookup(name) != nil }
	switch {
	case has("oci-layout") && has("index.json"):
		return "an OCI image layout, not a plain checkpoint archive: unpack the layer or blob that holds the checkpoint and mount that"
	case has("manifest.json") && has("repositories"):
		return "a docker-archive image, not a plain checkpoint archive: unpack the layer that holds the checkpoint and mount that"
	case has("pre-checkpoint/inventory.img") && !has("checkpoint/pstree.img"):
		return "a pre-checkpoint (memory pages only, taken with --pre-checkpoint): it is the parent of another archive, and has no processes of its own"
	}
	for _, m := range a.Members() {
		if path.Base(m.Name) == "config.v2.json" && strings.Count(m.Name, "/") <= 1 {
			return "a Docker container directory, not a plain checkpoint: mount its checkpoints/NAME folder"
		}
	}
	return ""
}

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
	r, err := criu.NewReader(name, m, m.Size(), magic)
	if err != nil {
		return err
	}
	for {
		msg := P(new(M))
		start, _, err := next(r, msg)
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
// there is no entry.
func next(r *criu.Reader, msg proto.Message) (start, end int64, err error) {
	entry, start, err := r.Next()
	if err != nil {
		return 0, 0, err
	}
	if err := proto.Unmarshal(entry, msg); err != nil {
		return 0, 0, r.Errorf(start, "an entry that is no %s: %w", msg.ProtoReflect().Descriptor().Name(), err)
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
