package decoder

import (
	"bytes"
	"runtime"
	"testing"

	"google.golang.org/protobuf/proto"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	criu_mm "github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/seccomp"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// encodedVMAs is the encoding of so many mappings in an mm image, all fields set.
func encodedVMAs(tb testing.TB, n int) []byte {
	one, err := proto.MarshalOptions{AllowPartial: true}.Marshal(&criu_mm.MmEntry{Vmas: []*vma.VmaEntry{{
		Start: proto.Uint64(0x7f0000000000), End: proto.Uint64(0x7f0000001000), Pgoff: proto.Uint64(0), Shmid: proto.Uint64(0),
		Prot: proto.Uint32(3), Flags: proto.Uint32(0x22), Status: proto.Uint32(0x201), Fd: proto.Int64(-1), Madv: proto.Uint64(0), Fdflags: proto.Uint32(0),
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Repeat(one, n)
}

// The weight of a message is near to what decoding it allocates, lists that
// were too short among it.
func TestWeight(t *testing.T) {
	const n = 100_000
	for _, test := range []struct {
		name    string
		message proto.Message
		encoded []byte
	}{
		{"mappings", new(criu_mm.MmEntry), encodedVMAs(t, n)},
		{"empty mappings", new(criu_mm.MmEntry), bytes.Repeat([]byte{14<<3 | 2, 0}, n)},
		{"packed numbers", new(criu_mm.MmEntry), append([]byte{13<<3 | 2, 0xa0, 0x8d, 6}, make([]byte, n)...)},
		{"numbers", new(criu_mm.MmEntry), bytes.Repeat([]byte{13 << 3, 1}, n)},
		{"empty messages in one", new(seccomp.SeccompEntry), bytes.Repeat([]byte{1<<3 | 2, 2, 1<<3 | 2, 0}, n)},
		{"a large string", new(criu_core.TaskCoreEntry), append([]byte{6<<3 | 2, 0xa0, 0x8d, 6}, make([]byte, n)...)},
		{"a large unknown field", new(fdinfo.FdinfoEntry), append([]byte{15<<3 | 2, 0xa0, 0x8d, 6}, bytes.Repeat([]byte{0xff}, n)...)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(test.encoded, test.message)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		took := int64(after.TotalAlloc - before.TotalAlloc)
		got := weight(test.message.ProtoReflect().Descriptor(), test.encoded, maxDepth)
		if took > 6*got || took < got/2 {
			t.Errorf("%s: weight = %d, want near to %d", test.name, got, took)
		}
	}
}

// A weight ends where the encoding does, and no byte of it makes it panic.
func TestWeightOfDamage(t *testing.T) {
	message := new(criu_mm.MmEntry).ProtoReflect().Descriptor()
	whole := encodedVMAs(t, 2)
	most := weight(message, whole, maxDepth)
	for i := range whole {
		if got := weight(message, whole[:i], maxDepth); got > most {
			t.Errorf("weight of the first %d bytes = %d, want at most %d", i, got, most)
		}
	}
	if deep, flat := weight(message, whole, 1), weight(message, nil, 1); deep <= flat || deep >= most {
		t.Errorf("weight of one level = %d, want between %d and %d", deep, flat, most)
	}
}

// The most mappings for which distributions set vm.max_map_count are decoded,
// however small the archive.
func TestWeightOfMappings(t *testing.T) {
	const most = 1 << 20
	encoded := encodedVMAs(t, most)
	b := newBudget(new(archive.Archive), nil)
	if err := b.take(max(int64(len(encoded)), weight(new(criu_mm.MmEntry).ProtoReflect().Descriptor(), encoded, maxDepth))); err != nil {
		t.Error(err)
	}
}

func BenchmarkWeight(b *testing.B) {
	encoded := encodedVMAs(b, 70_000)
	message := new(criu_mm.MmEntry).ProtoReflect().Descriptor()
	b.Run("weight", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		b.ReportAllocs()
		for b.Loop() {
			weight(message, encoded, maxDepth)
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		b.ReportAllocs()
		for b.Loop() {
			if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(encoded, new(criu_mm.MmEntry)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
