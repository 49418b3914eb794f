package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// Line is what a list of checkpoints says of one. What is not known is empty.
type Line struct {
	Name         string `json:"name"` // of the archive
	Container    string `json:"container,omitempty"`
	Pod          string `json:"pod,omitempty"`
	Namespace    string `json:"namespace,omitempty"`
	Engine       string `json:"engine,omitempty"`
	Image        string `json:"image,omitempty"`
	Checkpointed string `json:"checkpointed,omitempty"`
	// Processes is how many there are; nil where that is not known, or would
	// take expanding the whole of a large archive.
	Processes *int  `json:"processes,omitempty"`
	Size      int64 `json:"size_bytes"` // of the archive as it lies on disk
	// Error is why it could not be opened; empty where it could.
	Error string `json:"error,omitempty"`
}

// Describe fills in what a checkpoint says of itself; it may be one that was
// decoded briefly. In a pod a container has the name that it has there.
func (l *Line) Describe(ck *decoder.Checkpoint) {
	c := ck.Container
	l.Container = c.Name
	if c.Pod != nil {
		l.Container = cmp.Or(c.Pod.Container, c.Name)
		l.Pod, l.Namespace = c.Pod.Name, c.Pod.Namespace
	}
	l.Engine, l.Image = c.Engine, c.Image
	l.Checkpointed = cmp.Or(stamp(c.Checkpointed), stamp(ck.Time))
	l.Size = ck.Archive.Size()
	if ck.Processes != nil {
		l.Processes = new(len(ck.Processes))
	}
}

// List writes a table of checkpoints. What could not be opened has the reason
// in the place of what it would say.
func List(w io.Writer, lines []Line) error {
	rows := [][]string{{"NAME", "CONTAINER", "POD", "NAMESPACE", "ENGINE", "IMAGE", "CHECKPOINTED", "PROCESSES", "SIZE"}}
	for _, l := range lines {
		if l.Error != "" {
			rows = append(rows, []string{escape.String(l.Name), escape.String("error: " + l.Error)})
			continue
		}
		processes := ""
		if l.Processes != nil {
			processes = fmt.Sprint(*l.Processes)
		}
		row := []string{l.Name, l.Container, l.Pod, l.Namespace, l.Engine, l.Image, l.Checkpointed, processes, fmt.Sprint(l.Size)}
		for i, cell := range row {
			row[i] = escape.String(cmp.Or(cell, "-"))
		}
		rows = append(rows, row)
	}
	return table(w, rows)
}

// widestCell is how wide a cell makes its column, in characters: as a name can be
// (NAME_MAX). One that a hostile checkpoint made longer stands out.
const widestCell = 255

// table writes rows in columns. A row with fewer cells than the first does not
// make a column wider with its last.
func table(w io.Writer, rows [][]string) error {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			if i < len(row)-1 || len(row) == len(widths) {
				if n := utf8.RuneCountInString(cell); n <= widestCell {
					widths[i] = max(widths[i], n)
				}
			}
		}
	}
	b := bufio.NewWriter(w)
	for _, row := range rows {
		for i, cell := range row {
			if i == len(row)-1 {
				fmt.Fprintln(b, cell)
				break
			}
			fmt.Fprint(b, cell, strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0)+2))
		}
	}
	return b.Flush()
}

// ListJSON writes the same, to compute with. A name that is not UTF-8, which
// JSON cannot hold, stands there in base64 too.
func ListJSON(w io.Writer, lines []Line) error {
	type named struct {
		Line
		NameBytes []byte `json:"name_base64,omitempty"`
	}
	list := make([]named, len(lines))
	for i, l := range lines {
		list[i].Line = l
		if !utf8.ValidString(l.Name) {
			list[i].NameBytes = []byte(l.Name)
		}
	}
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escape.JSON(string(b))+"\n")
	return err
}
