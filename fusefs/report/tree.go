package report

import "slices"

// row is a process and how deep it stands in the tree.
type row struct {
	processInfo
	depth int
}

// familyTree puts each process below its parent, in the order of the
// checkpoint. Processes whose parent is not there come first of their kind;
// those in a circle of parents, which only a broken image has, come last.
func familyTree(list []processInfo) []row {
	index := make(map[int]bool, len(list))
	children := make(map[int][]processInfo)
	for _, p := range list {
		index[p.PID] = true
	}
	var todo []row // a stack
	for _, p := range list {
		if p.PPID != p.PID && index[p.PPID] {
			children[p.PPID] = append(children[p.PPID], p)
		} else {
			todo = append(todo, row{p, 0})
		}
	}
	slices.Reverse(todo)
	rows := make([]row, 0, len(list))
	done := make(map[int]bool, len(list))
	for len(todo) > 0 {
		r := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		rows = append(rows, r)
		done[r.PID] = true
		below := children[r.PID]
		for i := len(below) - 1; i >= 0; i-- {
			// A chain of thousands of parents need not be indented so far.
			todo = append(todo, row{below[i], min(r.depth+1, maxDepth)})
		}
	}
	for _, p := range list {
		if !done[p.PID] {
			rows = append(rows, row{p, 0})
		}
	}
	return rows
}

const maxDepth = 20
