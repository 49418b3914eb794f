package layout

import (
	"fmt"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/report"
)

// recoveredName says what an object is, who held it, and what it was called:
// file.pid1.fd6.secrets, unix.4711.pid1.fd7.recv.
func (b *builder) recoveredName(o *decoder.Object) string {
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
