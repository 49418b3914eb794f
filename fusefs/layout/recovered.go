package layout

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/report"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// recovery is what stands in recovered/ beside its index and its sums.
type recovery struct {
	files []recoveredFile // sorted by name
	names map[*decoder.Object]string
}

type recoveredFile struct {
	name string
	*decoder.Object
	tree.Node
}

// recovered is recovered/: what no longer has a name, or never had one.
func (b *builder) recovered() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		entries := []tree.Entry{
			{Name: "SHA256SUMS", Node: b.sums(b.recoveredSums)},
			{Name: "index", Node: b.text("recovered/index", b.recoveredIndex)},
		}
		for _, f := range b.recovery().files {
			entries = append(entries, tree.Entry{Name: f.name, Node: f.Node})
		}
		return sorted(entries), nil
	})
}

// findRecovered makes the files of all objects. Of two that would have one name the
// second gets a number behind it.
func (b *builder) findRecovered() *recovery {
	r := &recovery{names: make(map[*decoder.Object]string)}
	taken := make(map[string]int)
	for _, o := range b.ck.Objects() {
		plain := b.objectName(o)
		name := plain
		for taken[name] > 0 {
			taken[plain]++
			name = fmt.Sprintf("%s.%d", plain, taken[plain])
		}
		taken[name]++
		r.names[o] = name
		r.files = append(r.files, recoveredFile{name, o, b.objectNode("recovered/"+name, o)})
	}
	slices.SortFunc(r.files, func(x, y recoveredFile) int { return strings.Compare(x.name, y.name) })
	return r
}

// objectName says what an object is, who held it, and what it was called:
// file.pid1.fd6.secrets, unix.4711.pid1.fd7.recv.
func (b *builder) objectName(o *decoder.Object) string {
	parts := []string{objectKind(o)}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	sysv := o.Kind == decoder.ObjectSegment || o.Kind == decoder.ObjectMessage
	if sysv && len(b.ck.IPC) > 0 && o.NS != b.ck.IPC[0].ID {
		add("ns%d", o.NS)
	}
	if o.Kind != decoder.ObjectFile && o.Kind != decoder.ObjectMemfd || len(o.Owners) == 0 {
		add("%d", o.ID)
	}
	switch {
	case sysv && o.Key != 0:
		add("key%#x", o.Key)
	case len(o.Owners) > 0 && !sysv:
		parts = append(parts, holder(o.Owners)...)
	}
	name := ""
	switch o.Kind {
	case decoder.ObjectMemfd:
		name = o.Name
	case decoder.ObjectTTY:
		name = strings.TrimPrefix(o.Name, "/dev/")
	case decoder.ObjectFile, decoder.ObjectFIFO:
		name = o.Name[strings.LastIndexByte(o.Name, '/')+1:]
	default:
	}
	if name != "" {
		parts = append(parts, plainName(name))
	}
	if o.Part != "" {
		parts = append(parts, o.Part)
	}
	return strings.Join(parts, ".")
}

// objectKind is the kind of an object, and of a deleted file its type.
func objectKind(o *decoder.Object) string {
	const directory, symlink = 0o040000, 0o120000
	if o.Regular() {
		return string(o.Kind)
	}
	switch o.Mode & modeType {
	case directory:
		return "directory"
	case symlink:
		return "symlink"
	case modeChar, modeBlock:
		return "device"
	case modeFIFO:
		return "deleted-fifo"
	default:
		return "special"
	}
}

// holder names the first of the owners: its process, and how it held the
// object; by which descriptors, if by several.
func holder(owners []decoder.Owner) []string {
	const enough = 4
	first := owners[0]
	if first.Via == decoder.ViaMessage {
		return []string{fmt.Sprintf("socket%d", first.N)}
	}
	how := []string{report.Via(first)}
	for _, o := range owners[1:] {
		if first.Via == decoder.ViaDescriptor && o.Via == first.Via && o.PID == first.PID && len(how) < enough {
			how = append(how, report.Via(o))
		}
	}
	return []string{fmt.Sprintf("pid%d", first.PID), strings.Join(how, "-")}
}

// plainName is name as far as it is made of [A-Za-z0-9._-], and "_" in the
// place of every other byte.
func plainName(name string) string {
	const longest = 64
	b := []byte(name[:min(len(name), longest)])
	for i, c := range b {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0
		if !plain {
			b[i] = '_'
		}
	}
	return string(b)
}

// objectNode is the file of an object at that path of the mount. One that is a
// SysV object stands below ns/ too.
func (b *builder) objectNode(at string, o *decoder.Object) tree.Node {
	attr := tree.Attr{
		Perm: o.Mode & 0o7777, UID: o.UID, GID: o.GID, ATime: o.ATime, MTime: o.MTime, InodePath: at,
	}
	if o.Mode == 0 {
		attr.Perm = 0o444
	}
	if o.MTime.IsZero() {
		attr.MTime = b.ck.Time
	}
	if o.NS != 0 {
		attr.Nlink = 2
	}
	switch kind := objectKind(o); {
	case kind == "directory":
		return tree.NewDir(attr, nil) // a directory can only be deleted when it is empty
	case kind == "symlink" && o.Target != "":
		from := resolve(nil, nil, path.Dir("/"+o.Name))
		return b.link(attr, o.Target, "../"+strings.Join(append([]string{"rootfs"}, resolve(nil, from, o.Target)...), "/"))
	case kind == "device":
		return tree.NewSpecial(attr, o.Mode&modeType, o.Rdev.Major, o.Rdev.Minor)
	case !o.Regular():
		return tree.Bytes(attr, nil) // as the FIFO it was, it would hang whoever reads all that is here
	default:
		return tree.ContentFile(attr, func() (tree.Content, error) { return b.objectContent(at, o) })
	}
}

func (b *builder) objectContent(at string, o *decoder.Object) (tree.Content, error) {
	switch {
	case o.Err != nil:
		return nil, o.Err
	case o.Memory != nil:
		c := memview.NewObject(o.Memory)
		return sparse{readable{placed{c, at}, b.ck.Warnings}, c}, nil
	default:
		return b.member(o.Bytes.Content()), nil
	}
}

// placed is a content whose errors say where it stands in the mount.
type placed struct {
	tree.Content
	path string
}

func (c placed) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Content.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", c.path, err)
	}
	return n, err
}

// recoveredIndex writes recovered/index.
func (b *builder) recoveredIndex(w io.Writer) error {
	var rows []report.RecoveredFile
	for _, f := range b.recovery().files {
		row := report.RecoveredFile{Object: f.Object, Name: f.name, Kind: objectKind(f.Object)}
		if file, ok := f.Node.(tree.File); ok {
			c, err := file.Content()
			if err != nil {
				row.Size, row.Data = -1, -1
			} else {
				row.Size, row.Data = c.Size(), c.Size()
			}
			if e, ok := c.(tree.Extents); ok {
				row.Data = e.DataSize()
			}
		}
		if f.Memory != nil {
			for seg := range memview.NewObject(f.Memory).Data() {
				if row.Pieces++; row.Source == "" && seg.Src != nil {
					row.Source, row.Offset = seg.Src.Name, seg.Off
				}
			}
		} else if f.Bytes != nil && row.Data > 0 {
			row.Source, row.Offset, row.Pieces = f.Bytes.Name, f.Bytes.Fragments[0].At, len(f.Bytes.Fragments)
		}
		rows = append(rows, row)
	}
	return report.Recovered(w, rows)
}

// recoveredSums lists the files whose sums are in recovered/SHA256SUMS.
func (b *builder) recoveredSums() []summed {
	var list []summed
	left := holes(maxHoles)
	for _, f := range b.recovery().files {
		if file, ok := f.Node.(tree.File); ok {
			sum := once(file.Content)
			if c, err := file.Content(); err == nil && !left.take(c) {
				sum = tooManyHoles
			}
			list = append(list, summed{f.name, sum})
		}
	}
	return list
}

// ipcObjects is the files of the shared memory and the messages of an IPC
// namespace: shm.<id> and msg.<id>.<number>.
func (b *builder) ipcObjects(ns decoder.IPCNamespace) []tree.Entry {
	var entries []tree.Entry
	for _, f := range b.recovery().files {
		name := ""
		switch {
		case f.NS != ns.ID:
		case f.Kind == decoder.ObjectSegment:
			name = fmt.Sprintf("shm.%d", f.ID)
		case f.Kind == decoder.ObjectMessage:
			number, _, _ := strings.Cut(f.Part, ".")
			name = fmt.Sprintf("msg.%d.%s", f.ID, number)
		}
		if name != "" {
			entries = append(entries, tree.Entry{Name: name, Node: f.Node})
		}
	}
	return entries
}
