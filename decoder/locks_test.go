package decoder_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	file_lock "github.com/checkpoint-restore/go-criu/v7/crit/images/file-lock"
	"google.golang.org/protobuf/proto"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// Locks belong to the open file, those of POSIX to one table of descriptors.
func TestLocks(t *testing.T) {
	lock := func(flag, typ uint32, pid, fd int32, start, length int64) proto.Message {
		return &file_lock.FileLockEntry{Flag: &flag, Type: &typ, Pid: &pid, Fd: &fd, Start: &start, Len: &length}
	}
	table := func(fd uint32) []byte {
		return decodertest.Image(criu.MagicFdinfo, &fdinfo.FdinfoEntry{Id: proto.Uint32(1), Flags: zero, Type: fdinfo.FdTypes_REG.Enum(), Fd: &fd})
	}
	for _, test := range []struct {
		name          string
		locks         []proto.Message
		first, second string // what the processes hold: 1, and 2, which inherited the file
		warnings      int
	}{
		{"of flock", []proto.Message{lock(2, 1, 1, 3, 0, 0)}, "2/1", "2/1", 0},
		{"of POSIX", []proto.Message{lock(1, 0, 1, 3, 10, 10)}, "1/0", "", 0},
		{"of POSIX by the other", []proto.Message{lock(1, 1, 2, 4, 10, 0)}, "", "1/1", 0},
		{"of a description", []proto.Message{lock(4, 1, 1, 3, 0, 0)}, "4/1", "4/1", 0},
		{"a lease that is to be broken", []proto.Message{lock(8, 4|2, 1, 3, 0, 0)}, "8/2 breaking", "8/2 breaking", 0},
		{"two", []proto.Message{lock(1, 1, 1, 3, 0, 1), lock(1, 0, 1, 3, 5, 1)}, "1/1 1/0", "", 0},
		{"of an unknown process", []proto.Message{lock(2, 1, 77, 3, 0, 0), lock(2, 0, 1, 3, 0, 0)}, "2/0", "2/0", 1},
		{"of a negative process", []proto.Message{lock(2, 1, -1, 3, 0, 0)}, "", "", 1},
		{"of a dead process", []proto.Message{lock(2, 1, 3, 3, 0, 0)}, "", "", 1},
		{"on an unknown descriptor", []proto.Message{lock(2, 1, 1, 4, 0, 0), lock(2, 1, 1, math.MinInt32, 0, 0)}, "", "", 2},
		{"of an unknown kind", []proto.Message{lock(math.MaxUint32, math.MaxUint32, 1, 3, -1, math.MinInt64)}, "4294967295/4294967295", "4294967295/4294967295", 0},
	} {
		ck := decodertest.Checkpoint{
			Processes: []decodertest.Process{{PID: 1, Comm: "sh"}, {PID: 2, PPID: 1, Comm: "sh"}, {PID: 3, PPID: 1, Dead: true}},
			Files:     map[uint32]string{1: "/data"},
			Members: map[string][]byte{
				"checkpoint/fdinfo-1.img": table(3), "checkpoint/fdinfo-2.img": table(4),
				"checkpoint/ids-2.img": decodertest.Image(criu.MagicIDs, &criu_core.TaskKobjIdsEntry{
					VmId: proto.Uint32(2), FilesId: proto.Uint32(2), FsId: proto.Uint32(2), SighandId: proto.Uint32(2),
				}),
				"checkpoint/filelocks.img": decodertest.Image(criu.MagicFileLocks, test.locks...),
			},
		}.Open(t)
		held := func(pid int) string {
			var list []string
			p := ck.Process(pid)
			for _, k := range p.Descriptors[0].File.Locks {
				if !k.HeldBy(p) {
					continue
				}
				text := fmt.Sprintf("%d/%d", k.Kind, k.Type)
				if k.Breaking {
					text += " breaking"
				}
				list = append(list, text)
			}
			return strings.Join(list, " ")
		}
		if first, second := held(1), held(2); first != test.first || second != test.second {
			t.Errorf("%s: the processes hold %q and %q, want %q and %q", test.name, first, second, test.first, test.second)
		}
		if n := strings.Count(strings.Join(ck.Warnings.List(), "\n"), "filelocks.img: a lock of process"); n != test.warnings {
			t.Errorf("%s: warnings %q, want %d of locks", test.name, ck.Warnings.List(), test.warnings)
		}
	}
	if (decoder.Lock{Kind: decoder.LockPOSIX}).HeldBy(new(decoder.Process)) {
		t.Error("a process without a table of descriptors holds a lock")
	}
}
