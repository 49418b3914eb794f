package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// RecoveredFile is a file of recovered/.
type RecoveredFile struct {
	*decoder.Object
	Name, Kind string
	Size, Data int64  // bytes, and those of them not in holes; -1 where they cannot be had
	Source     string // where its first byte is: path in the mount and offset; "" for none
	Offset     int64
	Pieces     int // in which it lies
}

// Recovered writes recovered/index, a line for each file, its fields separated
// by tabs. The first line names them; a field of which nothing is known is "-".
//
//	owners  who held it: 1:fd6, 1:exe, 1:cwd, 1:root, 1:map7f2a00000000 (the
//	        address), or socket4711 where it was on its way through a socket
//	path    as the processes saw it
//	rights  the open files that are passed with a message
//	source  the file of the mount that has its bytes, offset those before the
//	        first of them, pieces in how many it lies
func Recovered(w io.Writer, files []RecoveredFile) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "name\tkind\tsize\tdata\towners\tpath\tmtime\tatime\tseals\trights\tsource\toffset\tpieces")
	for _, f := range files {
		var rights []string
		for _, r := range f.Rights[:min(len(f.Rights), enough)] {
			rights = append(rights, escape.String(r.KernelName()))
		}
		if len(f.Rights) > enough {
			rights = append(rights, "...")
		}
		fields := []string{
			f.Name, f.Kind, byteCount(f.Size), byteCount(f.Data), ownerList(f.Owners), escape.String(f.Object.Name),
			fileTime(f.MTime), fileTime(f.ATime), sealList(f.Object), strings.Join(rights, ","), f.Source, "", "",
		}
		if f.Source != "" {
			fields[11], fields[12] = fmt.Sprint(f.Offset), fmt.Sprint(f.Pieces)
		}
		for i := range fields {
			fields[i] = cmp.Or(fields[i], "-")
		}
		fmt.Fprintln(b, strings.Join(fields, "\t"))
	}
	return b.Flush()
}

func byteCount(n int64) string {
	if n < 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func fileTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// enough owners and rights of an object are listed. A hostile archive can have
// more of them than there is room for.
const enough = 1000

// ownerList lists who held an object.
func ownerList(list []decoder.Owner) string {
	var names []string
	for _, o := range list[:min(len(list), enough)] {
		if o.Via == decoder.ViaMessage {
			names = append(names, Via(o))
		} else {
			names = append(names, fmt.Sprintf("%d:%s", o.PID, Via(o)))
		}
	}
	if len(list) > enough {
		names = append(names, "...")
	}
	return strings.Join(names, ",")
}

// Via is how an object was held, in a word.
func Via(o decoder.Owner) string {
	switch o.Via {
	case decoder.ViaExe:
		return "exe"
	case decoder.ViaCWD:
		return "cwd"
	case decoder.ViaRoot:
		return "root"
	case decoder.ViaMapping:
		return fmt.Sprintf("map%x", o.N)
	case decoder.ViaMessage:
		return fmt.Sprintf("socket%d", o.N)
	default:
		return fmt.Sprintf("fd%d", o.N)
	}
}

// sealNames are the bits of fcntl(2)'s F_ADD_SEALS, from bit 0 on
// (include/uapi/linux/fcntl.h).
var sealNames = [...]string{"F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE", "F_SEAL_FUTURE_WRITE", "F_SEAL_EXEC"}

func sealList(o *decoder.Object) string {
	var names []string
	for i, name := range sealNames {
		if o.Seals&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := o.Seals >> len(sealNames) << len(sealNames); rest != 0 {
		names = append(names, fmt.Sprintf("%#x", rest))
	}
	return strings.Join(names, "|")
}
