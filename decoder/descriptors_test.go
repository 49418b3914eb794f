package decoder_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fifo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pipe"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

func TestDescriptors(t *testing.T) {
	owner := &fown.FownEntry{Uid: proto.Uint32(0), Euid: proto.Uint32(0), Signum: proto.Uint32(0), PidType: proto.Uint32(0), Pid: proto.Uint32(0)}
	zero := proto.Uint32(0)
	files := decodertest.Image(criu.MagicFiles,
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_REG.Enum(), Id: proto.Uint32(1), Reg: &regfile.RegFileEntry{
			Id: proto.Uint32(1), Flags: zero, Pos: proto.Uint64(0), Fown: owner, Name: proto.String("/work/fifo"),
		}},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_PIPE.Enum(), Id: proto.Uint32(2), Pipe: &pipe.PipeEntry{
			Id: proto.Uint32(2), PipeId: proto.Uint32(4711), Flags: zero, Fown: owner,
		}},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_FIFO.Enum(), Id: proto.Uint32(3), Fifo: &fifo.FifoEntry{
			Id: proto.Uint32(3), PipeId: proto.Uint32(5), RegfId: proto.Uint32(1),
		}},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_FIFO.Enum(), Id: proto.Uint32(4), Fifo: &fifo.FifoEntry{
			Id: proto.Uint32(4), PipeId: proto.Uint32(5), RegfId: proto.Uint32(99),
		}},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_EVENTPOLL.Enum(), Id: proto.Uint32(5)},
		&fdinfo.FileEntry{Type: fdinfo.FdTypes_FIFO.Enum(), Id: proto.Uint32(6), Fifo: &fifo.FifoEntry{
			Id: proto.Uint32(6), PipeId: proto.Uint32(5), RegfId: proto.Uint32(3),
		}},
	)
	fd := func(n, id, flags uint32) proto.Message {
		return &fdinfo.FdinfoEntry{Id: &id, Flags: &flags, Type: fdinfo.FdTypes_REG.Enum(), Fd: &n}
	}
	table := func(entries ...proto.Message) []byte { return decodertest.Image(criu.MagicFdinfo, entries...) }
	for _, test := range []struct {
		name    string
		table   []byte
		want    string
		warning string
	}{
		{"none", table(), "", ""},
		{"by number, with close-on-exec", table(fd(10, 2, 1), fd(2, 1, 0)), "2 /work/fifo, 10 pipe:[4711] cloexec", ""},
		{"a FIFO has the path of its file", table(fd(0, 3, 0)), "0 /work/fifo", ""},
		{"and not that of another FIFO", table(fd(0, 6, 0)), "0 unknown:[3]", "file 6 lies at the path of file 3"},
		{"not of a file system", table(fd(0, 5, 0)), "0 anon_inode:[eventpoll]", ""},
		{"a file that is not there", table(fd(0, 77, 0), fd(1, 1, 0)), "1 /work/fifo", "descriptor 0 is of file 77"},
		{"twice the same", table(fd(0, 1, 0), fd(0, 2, 0), fd(1, 1, 0)), "0 /work/fifo", "descriptor 0: impossible, or there more than once"},
		{"too high", table(fd(1<<31, 1, 0)), "", "descriptor 2147483648: impossible"},
		{"a missing table", nil, "", "fdinfo-1.img: missing"},
	} {
		c := decodertest.Checkpoint{
			Processes: []decodertest.Process{{PID: 1, Comm: "sh"}, {PID: 2, PPID: 1, Comm: "sh"}},
			Members:   map[string][]byte{"checkpoint/files.img": files, "checkpoint/fdinfo-1.img": test.table},
		}
		ck := c.Open(t)
		var got []string
		for _, d := range ck.Process(2).Descriptors { // both processes have the one table
			text := fmt.Sprintf("%d %s", d.FD, d.File.KernelName())
			if d.CloseOnExec {
				text += " cloexec"
			}
			got = append(got, text)
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		warnings := strings.Join(ck.Warnings.List(), "; ")
		if !strings.Contains(warnings, test.warning) || strings.Count(warnings, "descriptor") > 1 {
			t.Errorf("%s: warnings %q, want %q, once", test.name, warnings, test.warning)
		}
	}
}
