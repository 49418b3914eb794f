// Package report sums a checkpoint up: what `ckptfs show` prints and what
// stands in summary, summary.json and stats.
//
// Every fact is collected once, into the structs that are the JSON form; the
// text is written from them. A kind of fact has a file of its own, with its
// struct, where it comes from, and how it is written.
package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// Summary writes what the checkpoint is, to be read: the container, the
// archive, what its processes may do, and their tree; and the sections that
// are asked for.
func Summary(w io.Writer, ck *decoder.Checkpoint, ask ...Section) error {
	s := summarize(ck, slices.Contains(ask, Environment))
	b := bufio.NewWriter(w)
	for i, part := range parts {
		if part.on == "" || slices.Contains(ask, part.on) {
			if i > 0 {
				fmt.Fprintln(b)
			}
			part.write(b, s)
		}
	}
	return b.Flush()
}

// JSON writes all that is known and the statistics, to compute with; the
// environment of the processes, which is long and often secret, only if asked
// for.
//
// Names are in snake case and have the unit in them, times are in UTC as in
// RFC 3339, numbers of open(2) are octal as in /proc/pid/fdinfo. A value that
// the checkpoint does not have is left out; a list is always there, and empty
// where there is nothing.
func JSON(w io.Writer, ck *decoder.Checkpoint, ask ...Section) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(summarize(ck, slices.Contains(ask, Environment))); err != nil {
		return err
	}
	_, err := io.WriteString(w, escape.JSON(b.String()))
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

// summary is what is said of a checkpoint.
type summary struct {
	containerInfo
	Archive    archiveInfo     `json:"archive"`
	LSM        string          `json:"lsm,omitempty"` // security module: none, selinux, apparmor
	Namespaces []namespaceInfo `json:"namespaces"`
	Processes  []processInfo   `json:"processes"` // in the order of pstree.img
	Tables     []tableInfo     `json:"descriptor_tables"`
	Sockets    []socketInfo    `json:"sockets"`
	Mounts     []mountInfo     `json:"mounts"`
	SpecMounts []specMount     `json:"spec_mounts"`
	Stats      []stat          `json:"stats"`
	Warnings   []string        `json:"warnings"`
}

type stat struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

func summarize(ck *decoder.Checkpoint, environment bool) *summary {
	s := &summary{
		containerInfo: containerOf(ck),
		Archive:       archiveOf(ck),
		LSM:           ck.Inventory.LSM,
		Namespaces:    namespacesOf(ck),
		Processes:     processesOf(ck, environment),
		Tables:        tablesOf(ck),
		Sockets:       socketsOf(ck),
		Mounts:        mountsOf(ck),
		SpecMounts:    specMountsOf(ck),
		Stats:         []stat{},
		Warnings:      list(ck.Warnings.List()),
	}
	for _, st := range ck.Stats {
		s.Stats = append(s.Stats, stat(st))
	}
	return s
}

// list is l, which in JSON is never null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// stamp is a time to print; empty where it is not known, as in an archive of
// which the times were taken away (tar --mtime=@0).
func stamp(t time.Time) string {
	if t.Unix() <= 0 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
