package report

import (
	"fmt"
	"slices"
	"strings"
)

// groups collects what has the same key, in the order in which the keys come
// up.
type groups[K comparable, M any] struct {
	list  []*group[K, M]
	byKey map[K]*group[K, M]
}

type group[K comparable, M any] struct {
	key     K
	members []M
}

func (g *groups[K, M]) add(key K, member M) {
	if g.byKey == nil {
		g.byKey = make(map[K]*group[K, M])
	}
	same := g.byKey[key]
	if same == nil {
		same = &group[K, M]{key: key}
		g.byKey[key] = same
		g.list = append(g.list, same)
	}
	same.members = append(same.members, member)
}

// maxPIDs is how many processes are named. Tables of a hostile archive can be
// shared by all processes of it.
const maxPIDs = 64

// pidsText names processes: "1 6-8", runs of more than two as such. They are
// in several lists that have none in common.
func pidsText(lists ...[]int) string {
	var pids []int
	rest := 0
	for _, l := range lists {
		named := min(len(l), maxPIDs-len(pids))
		pids = append(pids, l[:named]...)
		rest += len(l) - named
	}
	slices.Sort(pids)
	var runs []string
	for i := 0; i < len(pids); {
		end := i + 1
		for end < len(pids) && pids[end] == pids[end-1]+1 {
			end++
		}
		if end-i > 2 {
			runs = append(runs, fmt.Sprintf("%d-%d", pids[i], pids[end-1]))
			i = end
		} else {
			runs = append(runs, fmt.Sprint(pids[i]))
			i++
		}
	}
	if rest > 0 {
		runs = append(runs, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(runs, " ")
}
