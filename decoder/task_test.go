package decoder

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/creds"
	sa "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-sa"
	"google.golang.org/protobuf/proto"
)

func TestSignalActions(t *testing.T) {
	var actions []*sa.SaEntry
	for signal := 1; signal <= 64; signal++ {
		if signal == 9 || signal == 19 {
			continue
		}
		handler := uint64(0)
		switch signal {
		case 1, 20:
			handler = 1 // SIG_IGN
		case 12, 64:
			handler = 0x401000
		}
		actions = append(actions, &sa.SaEntry{Sigaction: &handler})
	}
	want := SignalActions{Ignored: 1<<0 | 1<<19, Caught: 1<<11 | 1<<63}
	if got := signalActions(actions); got != want {
		t.Errorf("signalActions = %+v, want %+v", got, want)
	}
	if got := signalActions(append(actions, actions...)); got != want {
		t.Errorf("of too many: %+v, want %+v", got, want)
	}
	if got := signalActions(actions[:1]); got != (SignalActions{Ignored: 1}) {
		t.Errorf("of one: %+v", got)
	}
}

// Fields that go-criu does not know: no_new_privs, and the ambient
// capabilities, packed or not.
func TestNewerCreds(t *testing.T) {
	for _, test := range []struct {
		name    string
		fields  []byte
		privs   bool
		ambient uint64
	}{
		{"none", nil, false, 0},
		{"no_new_privs", []byte{0x90, 0x01, 1}, true, 0},
		{"no_new_privs, not set", []byte{0x90, 0x01, 0}, false, 0},
		{"capabilities", []byte{0x98, 0x01, 5, 0x98, 0x01, 1}, false, 1<<32 | 5},
		{"capabilities, packed", []byte{0x9a, 0x01, 2, 5, 1}, false, 1<<32 | 5},
		{"too many", []byte{0x9a, 0x01, 4, 5, 1, 7, 7}, false, 1<<32 | 5},
	} {
		zero := proto.Uint32(0)
		m := &creds.CredsEntry{Uid: zero, Gid: zero, Euid: zero, Egid: zero, Suid: zero, Sgid: zero, Fsuid: zero, Fsgid: zero, Secbits: zero}
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := proto.Unmarshal(append(b, test.fields...), m); err != nil {
			t.Fatal(err)
		}
		if privs, ambient := newerCreds(m); privs != test.privs || ambient != test.ambient {
			t.Errorf("%s: %v, %#x, want %v, %#x", test.name, privs, ambient, test.privs, test.ambient)
		}
	}
}

// A field that is there a million times, or has as many numbers, does not become
// a list of that length.
func TestManyNewerCreds(t *testing.T) {
	const n, most = 1 << 20, 64 << 10
	for name, fields := range map[string][]byte{
		"one by one": bytes.Repeat([]byte{0x98, 0x01, 1}, n),
		"packed":     append([]byte{0x9a, 0x01, 0x80, 0x80, 0x40}, bytes.Repeat([]byte{1}, n)...),
	} {
		m := new(creds.CredsEntry)
		m.ProtoReflect().SetUnknown(fields)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, ambient := newerCreds(m)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > most || ambient != 1<<32|1 {
			t.Errorf("%s: %d bytes were allocated, ambient capabilities %#x", name, n, ambient)
		}
	}
}
