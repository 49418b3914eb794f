package report

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// tableInfo is a table of descriptors, which processes may share.
type tableInfo struct {
	ID    uint32     `json:"id"`
	PIDs  []int      `json:"pids"`
	Files []fileInfo `json:"files"`
}

// fileInfo is a descriptor and what it refers to. Equal file ids are one open
// file description: processes that inherited it share its position.
type fileInfo struct {
	FD          int    `json:"fd"`
	FileID      uint32 `json:"file_id"`
	Type        string `json:"type"`
	Name        string `json:"name"`  // as /proc/pid/fd shows it
	Flags       string `json:"flags"` // of open(2), octal
	CloseOnExec bool   `json:"close_on_exec"`
	Pos         int64  `json:"pos_bytes"`
}

// fileType says what kind of file one is: of a file system, the type in its
// mode; of none, the part of its name that says so.
func fileType(f *decoder.File) string {
	switch f.Kind {
	case decoder.FileMemfd:
		return "memfd"
	case decoder.FileRegular:
		const typeMask = 0o170000 // S_IFMT of inode(7)
		switch f.Mode & typeMask {
		case 0o040000:
			return "directory"
		case 0o020000:
			return "character device"
		case 0o060000:
			return "block device"
		case 0o010000:
			return "fifo"
		default:
			return "file"
		}
	default:
		kind, rest, _ := strings.Cut(f.Path, ":")
		if kind == "anon_inode" {
			return strings.Trim(rest, "[]")
		}
		return kind
	}
}

func tablesOf(ck *decoder.Checkpoint) []tableInfo {
	tables := []tableInfo{}
	var byID groups[uint32, *decoder.Process]
	for _, p := range ck.Processes {
		if p.IDs != nil {
			byID.add(p.IDs.Files, p)
		}
	}
	for _, g := range byID.list {
		t := tableInfo{ID: g.key, PIDs: []int{}, Files: []fileInfo{}}
		for _, p := range g.members {
			t.PIDs = append(t.PIDs, p.PID)
		}
		for _, d := range g.members[0].Descriptors {
			f := d.File
			t.Files = append(t.Files, fileInfo{
				d.FD, f.ID, fileType(f), f.KernelName(), fmt.Sprintf("0%o", f.Flags), d.CloseOnExec, f.Pos,
			})
		}
		tables = append(tables, t)
	}
	return tables
}

// writeFiles writes the executables, directories and descriptors, once for
// all processes that have the same.
func writeFiles(b *bufio.Writer, s *summary) {
	type row struct {
		fd, access string
		name       string
		file       uint32 // id; 0 for what is no descriptor
	}
	var rows groups[row, []int]
	for _, p := range s.Processes {
		for _, f := range []struct{ kind, name string }{{"exe", p.Exe}, {"cwd", p.CWD}, {"root", p.Root}} {
			if f.name != "" {
				rows.add(row{fd: f.kind, name: f.name}, []int{p.PID})
			}
		}
	}
	for _, t := range s.Tables {
		for _, f := range t.Files {
			rows.add(row{fmt.Sprint(f.FD), access(f.Flags), f.Name, f.FileID}, t.PIDs)
		}
	}
	fmt.Fprintf(b, "%-4s %-2s %-40s %s\n", "FD", "", "FILE", "PROCESSES")
	for _, g := range rows.list {
		fmt.Fprintf(b, "%-4s %-2s %-40s %s\n", g.key.fd, g.key.access, escape.String(g.key.name), pidsText(g.members...))
	}
}

// access is how a file was opened: r, w or rw.
func access(flags string) string {
	switch flags[len(flags)-1] & 3 { // O_ACCMODE
	case 0:
		return "r"
	case 1:
		return "w"
	default:
		return "rw"
	}
}
