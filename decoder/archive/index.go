package archive

import (
	"errors"
	"fmt"
	"strings"
)

// index is the members by name. Members are added one after the other; when
// all are there, settle makes the list consistent.
type index struct {
	members  []*Member
	byName   map[string]*Member
	folder   *Member // that the archive was made of, if it is listed
	damage   damage
	repeated map[string]bool
	links    map[*Member]*Member // hard links -> the member they were made to
	memory   int64               // what the members take, about
}

// What a hostile archive can make us keep, of which a few KB expand to millions
// of headers, and a name can be two thousand folders.
const (
	maxMemory  = 2 << 30 // bytes that the members take
	maxImplied = 1 << 20 // folders that are no members themselves
)

// footprint is about how much memory a member takes, in bytes.
func (m *Member) footprint() int64 {
	const member, attribute, piece = 400, 64, 24
	n := member + len(m.Name) + len(m.Target)
	for key, value := range m.Xattrs {
		n += attribute + len(key) + len(value)
	}
	if s, ok := m.body.(*sparse); ok {
		n += piece * len(s.pieces)
	}
	return int64(n)
}

// add adds a member of an unchecked name. Of several members of one name the
// last counts, as it does when an archive is extracted.
func (x *index) add(m *Member, name string) {
	clean, err := cleanName(name)
	if err != nil {
		x.damage.add(fmt.Errorf("member %s: %w, left out", quote(name), err))
		return
	}
	if clean == "" {
		if m.Type == TypeDirectory {
			x.folder = m
			x.memory += m.footprint()
		}
		return
	}
	m.Name = clean
	if x.byName == nil {
		x.byName = make(map[string]*Member)
	}
	if old := x.byName[clean]; old != nil && !x.repeated[clean] && (old.Type != TypeDirectory || m.Type != TypeDirectory) {
		x.damage.note(fmt.Errorf("member %s: there more than once, the last one counts", quote(clean)))
		if x.repeated == nil {
			x.repeated = make(map[string]bool)
		}
		x.repeated[clean] = true
	}
	x.byName[clean] = m
	x.members = append(x.members, m)
	x.memory += m.footprint()
}

// addLink adds a hard link, which shares the bytes and the attributes of the
// member that it links to: one that came before.
func (x *index) addLink(m *Member, name, target string) {
	clean, err := cleanName(target)
	to := x.byName[clean]
	if err != nil || to == nil || to.Type == TypeDirectory {
		x.damage.add(fmt.Errorf("member %s: a hard link to %s, which is no file before it, left out", quote(name), quote(target)))
		return
	}
	link := *to
	if first := x.links[to]; first != nil {
		to = first
	}
	if x.links == nil {
		x.links = make(map[*Member]*Member)
	}
	x.links[&link] = to
	x.add(&link, name)
}

// settle removes what was replaced and what lies below something that is no
// directory, and counts the hard links.
func (x *index) settle() {
	kept := x.members[:0]
	implied := make(map[string]bool)
	for _, m := range x.members {
		if x.byName[m.Name] != m {
			continue
		}
		if !x.imply(implied, m.Name) {
			x.damage.add(fmt.Errorf("member %s: more than %d folders are no members, left out", quote(m.Name), maxImplied))
			continue
		}
		if at := x.blocked(m.Name); at != "" {
			x.damage.add(fmt.Errorf("member %s: passes through %s, which is no directory, left out", quote(m.Name), quote(at)))
			continue
		}
		kept = append(kept, m)
	}
	clear(x.members[len(kept):])
	x.members = kept
	clear(x.byName)
	for _, m := range kept {
		x.byName[m.Name] = m
	}
	x.countLinks()
}

// blocked is the first part of the name that is a member but no directory, or
// "".
func (x *index) blocked(name string) string {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		if m := x.byName[name[:i]]; m != nil && m.Type != TypeDirectory {
			return name[:i]
		}
	}
	return ""
}

// imply notes the folders of a name that are no members. It is false where there
// are too many.
func (x *index) imply(implied map[string]bool, name string) bool {
	for i := len(name) - 1; i > 0; i-- {
		if name[i] != '/' {
			continue
		}
		if dir := name[:i]; x.byName[dir] != nil || implied[dir] {
			return true
		}
		if len(implied) == maxImplied {
			return false
		}
		implied[name[:i]] = true
	}
	return true
}

func (x *index) countLinks() {
	first := make(map[*Member]*Member) // of those that are left
	for _, m := range x.members {
		m.Nlink = 1
		if len(x.links) == 0 {
			continue
		}
		file := m
		if to := x.links[m]; to != nil {
			file = to
		}
		if f := first[file]; f != nil {
			m.LinkName = f.Name
			f.Nlink++
		} else {
			first[file] = m
		}
	}
	for _, m := range x.members {
		if m.LinkName != "" {
			m.Nlink = x.byName[m.LinkName].Nlink
		}
	}
	x.links = nil
}

// Limits of the kernel: linux/limits.h.
const (
	maxComponent = 255  // NAME_MAX
	maxName      = 4096 // PATH_MAX
)

// cleanName makes a name relative and free of empty components and dots. It
// is "" for the folder itself.
func cleanName(name string) (string, error) {
	if len(name) > maxName {
		return "", errors.New("name too long")
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", errors.New("NUL in the name")
	}
	var kept []string
	for component := range strings.SplitSeq(name, "/") {
		switch {
		case component == "" || component == ".":
		case component == "..":
			return "", errors.New(`".." in the name`)
		case len(component) > maxComponent:
			return "", errors.New("name too long")
		default:
			kept = append(kept, component)
		}
	}
	return strings.Join(kept, "/"), nil
}
