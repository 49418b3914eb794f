package decoder

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// source is where the parts of a checkpoint are in an archive.
type source struct {
	images *images     // CRIU's
	outer  *images     // the archive as a whole
	wraps  []tarMember // the tars in it that lead to the archive of the images, the outermost first
	names  []string    // under which it is chosen among several
	within string      // the folder that comes behind each of the names, of an image that has several; "" for none
	form   string      // what it is wrapped in; "" for nothing
	top    string      // folder of the images' archive with the engine's metadata and tars; "" for the top

	diff  tarMember   // what was changed of the root file system
	layer bool        // diff is the layer of an OCI image, with its own marks of deletions
	base  []tarMember // the layers of the container's image, lowest first

	facts []func(*loader, *Container) // what is known about the container beside the engine's metadata
}

// tarMember is a tar that is a member of an archive.
type tarMember struct {
	in     *images
	name   string
	digest digest.Digest // of the member, as an OCI image gives it; "" for none
}

// folder is where the mount has the members of the tar.
func (t tarMember) folder() string { return t.in.mountPath(t.name) + ".d" }

// engineTar is a tar that the engine put beside its metadata.
func (s *source) engineTar(name string) tarMember {
	return tarMember{in: s.images, name: path.Join(s.top, name)}
}

// finder looks for checkpoints in an archive.
type finder struct {
	archive *images // the archive as a whole
	nested  *nestedTars
	warn    *Warnings
}

// forms are the ways in which a checkpoint can be wrapped, told by content.
// The first that the archive has counts; the last takes what is left.
var forms = []func(*finder) ([]*source, error){
	(*finder).ociImages,
	(*finder).dockerArchive,
	(*finder).folders,
}

// find finds the checkpoint of that name, or for "" the only one that there
// is. The error is a [*NotCheckpointError], or one of the spool.
func (f *finder) find(name string) (*source, error) {
	for _, form := range forms {
		list, err := form(f)
		switch {
		case err != nil:
			return nil, err
		case len(list) == 0:
			continue
		case name != "":
			return choose(list, name)
		}
		list = f.preferred(list)
		if len(list) > 1 {
			return nil, &NotCheckpointError{fmt.Sprintf("several checkpoints: %s; choose one with --checkpoint NAME", nameAll(list))}
		}
		return list[0], nil
	}
	return nil, &NotCheckpointError{"no checkpoint"}
}

// choose is the checkpoint of that name, of which the first parts can be left
// out: cp1 for checkpoints/cp1, ckimg:latest for localhost/ckimg:latest.
func choose(list []*source, name string) (*source, error) {
	var exact, found []*source
	for _, s := range list {
		switch isName, ends := s.isCalled(name); {
		case isName:
			exact = append(exact, s)
		case ends:
			found = append(found, s)
		}
	}
	if len(exact) > 0 {
		found = exact
	}
	switch len(found) {
	case 0:
		return nil, &NotCheckpointError{fmt.Sprintf("no checkpoint %q, but %s", name, nameAll(list))}
	case 1:
		return found[0], nil
	default:
		return nil, &NotCheckpointError{fmt.Sprintf("several checkpoints %q: %s", name, nameAll(found))}
	}
}

// nameSources names the checkpoints of an image. Where it has several, those have
// their folders behind the names: not in a copy of all names for each, for of a
// hostile image both can be many, and long.
func nameSources(list []*source, names []string) {
	for _, s := range list {
		if len(list) > 1 {
			s.within = s.names[0]
		}
		s.names = names
	}
}

// isCalled tells whether name is a name of s, or what a name ends with.
func (s *source) isCalled(name string) (is, ends bool) {
	if s.within != "" {
		if strings.HasSuffix("/"+s.within, "/"+name) {
			return false, true
		}
		var ok bool
		if name, ok = strings.CutSuffix(name, "/"+s.within); !ok {
			return false, false
		}
	}
	return slices.Contains(s.names, name), slices.ContainsFunc(s.names, func(n string) bool { return strings.HasSuffix(n, "/"+name) })
}

// nameAll lists the names of checkpoints for an error.
func nameAll(list []*source) string {
	const most = 10
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == most {
			fmt.Fprintf(&b, "and %d more", len(list)-most)
			break
		}
		name := s.names[0]
		if s.within != "" {
			name += "/" + s.within
		}
		fmt.Fprintf(&b, "%.300q", name)
	}
	return b.String()
}
