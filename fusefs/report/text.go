package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// Summary writes what the checkpoint is, to be read: container, archive and
// process tree.
func Summary(w io.Writer, ck *decoder.Checkpoint) error {
	s := summarize(ck)
	b := bufio.NewWriter(w)
	for _, f := range []struct{ name, value string }{
		{"container", s.Container},
		{"id", s.ID},
		{"image", s.Image},
		{"image id", s.ImageID},
		{"engine", s.Engine},
		{"runtime", s.Runtime},
		{"created", s.Created},
		{"checkpointed", s.Checkpointed},
		{"hostname", s.Hostname},
		{"ip", strings.Join(s.IP, " ")},
		{"mac", strings.Join(s.MAC, " ")},
		{"archive", fmt.Sprintf("%s, %d bytes, %d members", s.Archive.Form, s.Archive.Size, s.Archive.Members)},
		{"images", fmt.Sprintf("%d bytes, %d of them pages", s.Archive.Images, s.Archive.Pages)},
		{"rootfs diff", fmt.Sprintf("%d bytes", s.Archive.RootfsDiff)},
		{"warnings", fmt.Sprint(len(s.Warnings))},
	} {
		if f.value != "" {
			fmt.Fprintf(b, "%-13s %s\n", f.name+":", escape.String(f.value))
		}
	}
	fmt.Fprintf(b, "\n%7s %7s S %7s COMMAND\n", "PID", "PPID", "THREADS")
	for _, row := range familyTree(s.Processes) {
		fmt.Fprintf(b, "%7d %7d %s %7d %s%s\n", row.PID, row.PPID, row.State, row.Threads,
			strings.Repeat("  ", row.depth), escape.String(row.command()))
	}
	return b.Flush()
}

// JSON writes the same and the statistics, to compute with.
func JSON(w io.Writer, ck *decoder.Checkpoint) error {
	b, err := json.MarshalIndent(summarize(ck), "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escape.JSON(string(b))+"\n")
	return err
}

// Stats writes the statistics of the dump, a line "name: value" for each.
func Stats(w io.Writer, ck *decoder.Checkpoint) error {
	b := bufio.NewWriter(w)
	for _, s := range ck.Stats {
		fmt.Fprintf(b, "%s: %d\n", s.Name, s.Value)
	}
	return b.Flush()
}

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
