package decoder

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/utsns"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// UTSNamespace is what uname(2) says of the host name.
//
// Source: utsns-<id>.img.
type UTSNamespace struct {
	ID                   uint32 // CRIU's id of the namespace
	NodeName, DomainName string
}

// utsNamespaces decodes the UTS namespaces, sorted by id.
func (l *loader) utsNamespaces() []UTSNamespace {
	var list []UTSNamespace
	for _, name := range l.matching("utsns-*.img") {
		id, ok := imageID(name, "utsns-")
		if !ok {
			continue
		}
		e, err := one[utsns.UtsnsEntry](l.images, name, criu.MagicUTSNS)
		if err != nil {
			l.warn.Add(err)
			continue
		}
		list = append(list, UTSNamespace{id, cText(e.GetNodename()), cText(e.GetDomainname())})
	}
	slices.SortFunc(list, func(a, b UTSNamespace) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// UTSOf is the UTS namespace of a process, nil where the checkpoint does not
// have it. If it is not known which it is, it is the first.
func (c *Checkpoint) UTSOf(p *Process) *UTSNamespace {
	for i := range c.UTS {
		if p.IDs == nil || p.IDs.UTS == 0 || p.IDs.UTS == c.UTS[i].ID {
			return &c.UTS[i]
		}
	}
	return nil
}

// IPCOf is the IPC namespace of a process, in the same way.
func (c *Checkpoint) IPCOf(p *Process) *IPCNamespace {
	for i := range c.IPC {
		if p.IDs == nil || p.IDs.IPC == 0 || p.IDs.IPC == c.IPC[i].ID {
			return &c.IPC[i]
		}
	}
	return nil
}

// matching lists the images whose name matches pattern, sorted.
func (im *images) matching(pattern string) []string {
	var names []string
	for _, m := range im.archive.Members() {
		if folder(m.Name) != im.dir {
			continue
		}
		if ok, _ := path.Match(pattern, path.Base(m.Name)); ok && im.member(m.Name) != nil {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

// imageID is the number behind prefix in an image's name: 12 in utsns-12.img.
func imageID(name, prefix string) (uint32, bool) {
	s := strings.TrimSuffix(strings.TrimPrefix(path.Base(name), prefix), ".img")
	id, err := strconv.ParseUint(s, 10, 32)
	return uint32(id), err == nil && fmt.Sprint(id) == s
}
