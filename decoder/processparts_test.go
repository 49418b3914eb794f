package decoder_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/cgroup"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/timer"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/userns"
	"google.golang.org/protobuf/proto"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// core changes the core image of a thread.
func core(t *testing.T, c decodertest.Checkpoint, tid int, change func(*criu_core.CoreEntry)) []byte {
	t.Helper()
	image := c.Contents()[fmt.Sprintf("checkpoint/core-%d.img", tid)]
	const head = 12 // two magics and a size
	m := new(criu_core.CoreEntry)
	if err := proto.Unmarshal(image[head:], m); err != nil {
		t.Fatal(err)
	}
	change(m)
	return decodertest.Image(criu.MagicCore, m)
}

// Control groups are of each thread; in old images, of the process.
func TestCgroups(t *testing.T) {
	set := func(id uint32, name, path string) *cgroup.CgSetEntry {
		return &cgroup.CgSetEntry{Id: &id, Ctls: []*cgroup.CgMemberEntry{{Name: &name, Path: &path}}}
	}
	c := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Threads: []int{5, 6}, Comm: "sh"}}}
	c.Members = map[string][]byte{
		"checkpoint/cgroup.img": decodertest.Image(criu.MagicCgroup, &cgroup.CgroupEntry{Sets: []*cgroup.CgSetEntry{set(2, "", "/a"), set(3, "cpu,cpuacct", "/b")}}),
		"checkpoint/core-1.img": core(t, c, 1, func(m *criu_core.CoreEntry) { m.Tc.CgSet = proto.Uint32(2) }),
		"checkpoint/core-5.img": core(t, c, 5, func(m *criu_core.CoreEntry) { m.ThreadCore.CgSet = proto.Uint32(3) }),
		"checkpoint/core-6.img": core(t, c, 6, func(m *criu_core.CoreEntry) { m.ThreadCore.CgSet = proto.Uint32(77) }),
	}
	want := [][]decoder.Cgroup{{{Path: "/a"}}, {{Controllers: "cpu,cpuacct", Path: "/b"}}, nil}
	for i, thread := range c.Open(t).Process(1).Threads {
		if !reflect.DeepEqual(thread.Cgroups, want[i]) {
			t.Errorf("thread %d is in %v, want %v", thread.TID, thread.Cgroups, want[i])
		}
	}
}

// The kernel lists the newest timer first, and CRIU the oldest.
func TestPOSIXTimers(t *testing.T) {
	entry := func(id, clock uint32, thread int32) *timer.PosixTimerEntry {
		zero := proto.Uint32(0)
		return &timer.PosixTimerEntry{
			ItId: &id, ClockId: &clock, SiSigno: proto.Uint32(10), ItSigevNotify: proto.Uint32(4), SivalPtr: proto.Uint64(math.MaxUint64),
			Overrun: zero, Isec: zero64, Insec: zero64, Vsec: zero64, Vnsec: zero64, NotifyThreadId: &thread,
		}
	}
	none := &timer.ItimerEntry{Isec: zero64, Iusec: zero64, Vsec: zero64, Vusec: zero64}
	c := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Comm: "sh"}}}
	c.Members = map[string][]byte{"checkpoint/core-1.img": core(t, c, 1, func(m *criu_core.CoreEntry) {
		m.Tc.Timers = &timer.TaskTimersEntry{Real: none, Virt: none, Prof: none, Posix: []*timer.PosixTimerEntry{
			entry(0, 1, 5), entry(1, math.MaxUint32-5, -7),
		}}
	})}
	want := []decoder.PosixTimer{
		{ID: 1, Clock: -6, Signal: 10, Notify: 4, Value: math.MaxUint64, Thread: -7},
		{ID: 0, Clock: 1, Signal: 10, Notify: 4, Value: math.MaxUint64, Thread: 5},
	}
	if got := c.Open(t).Process(1).Timers; !reflect.DeepEqual(got, want) {
		t.Errorf("timers %+v, want %+v", got, want)
	}
}

func TestUserNamespace(t *testing.T) {
	extents := make([]*userns.UidGidExtent, 1000)
	for i := range extents {
		extents[i] = &userns.UidGidExtent{First: proto.Uint32(uint32(i)), LowerFirst: proto.Uint32(math.MaxUint32), Count: proto.Uint32(1)}
	}
	ids := func(user uint32) []byte {
		return decodertest.Image(criu.MagicIDs, &criu_core.TaskKobjIdsEntry{
			VmId: proto.Uint32(1), FilesId: proto.Uint32(1), FsId: proto.Uint32(1), SighandId: proto.Uint32(1), UserNsId: &user,
		})
	}
	ck := decodertest.Checkpoint{
		Processes: []decodertest.Process{{PID: 1, Comm: "sh"}, {PID: 2, Comm: "sh"}},
		Members: map[string][]byte{
			"checkpoint/ids-1.img":     ids(14),
			"checkpoint/ids-2.img":     ids(15),
			"checkpoint/userns-14.img": decodertest.Image(criu.MagicUserNS, &userns.UsernsEntry{UidMap: extents[5:7], GidMap: extents}),
		},
	}.Open(t)
	first, second := ck.Process(1).UserNS, ck.Process(2).UserNS
	want := []decoder.IDRange{{First: 5, Lower: math.MaxUint32, Count: 1}, {First: 6, Lower: math.MaxUint32, Count: 1}}
	if first == nil || !reflect.DeepEqual(first.UIDs, want) || len(first.GIDs) != 340 {
		t.Errorf("the first is in %+v, want %v and no more ranges than a kernel has", first, want)
	}
	if second != nil {
		t.Errorf("the second is in %+v, want none: there is no image", second)
	}
}

func TestLabels(t *testing.T) {
	c := decodertest.Checkpoint{Processes: []decodertest.Process{{PID: 1, Comm: "sh"}}}
	c.Members = map[string][]byte{
		"checkpoint/inventory.img": decodertest.Image(criu.MagicInventory, &inventory.InventoryEntry{ImgVersion: proto.Uint32(2), Lsmtype: inventory.Lsmtype_APPARMOR.Enum()}),
		"checkpoint/core-1.img":    core(t, c, 1, func(m *criu_core.CoreEntry) { m.ThreadCore.Creds.LsmProfile = proto.String("docker-default") }),
	}
	ck := c.Open(t)
	if got := ck.Process(1).Leader().Creds.LSMProfile; ck.Inventory.LSM != decoder.LSMAppArmor || got != "docker-default" {
		t.Errorf("module %q, label %q, want AppArmor's docker-default", ck.Inventory.LSM, got)
	}
}
