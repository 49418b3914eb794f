package decoder

import (
	"github.com/checkpoint-restore/go-criu/v7/crit/images/userns"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// UserNamespace says which ids of the machine the ids in a user namespace
// stand for.
//
// Source: userns-<id>.img, which there is only where that namespace is not
// the one of CRIU.
type UserNamespace struct {
	UIDs, GIDs []IDRange
}

// IDRange maps Count ids from First on to those from Lower on.
type IDRange struct{ First, Lower, Count uint32 }

// maxIDRanges is how many a namespace may have
// (include/linux/user_namespace.h:UID_GID_MAP_MAX_EXTENTS).
const maxIDRanges = 340

// userNamespace decodes the one of that id, once; nil where there is none.
func (l *loader) userNamespace(id uint32) *UserNamespace {
	if n, ok := l.users[id]; ok {
		return n
	}
	var n *UserNamespace
	e, err := one[userns.UsernsEntry](l.images, l.name("userns-%d.img", id), criu.MagicUserNS)
	if l.warn.Add(optional(err)); err == nil {
		n = &UserNamespace{idRanges(e.GetUidMap()), idRanges(e.GetGidMap())}
	}
	if l.users == nil {
		l.users = make(map[uint32]*UserNamespace)
	}
	l.users[id] = n
	return n
}

func idRanges(list []*userns.UidGidExtent) (ranges []IDRange) {
	for _, e := range list[:min(len(list), maxIDRanges)] {
		ranges = append(ranges, IDRange{e.GetFirst(), e.GetLowerFirst(), e.GetCount()})
	}
	return ranges
}
