package archive

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Tars in an archive share the room that there is for names and for what is
// expanded: it can have the same one many times.
func TestRoom(t *testing.T) {
	var members []entry
	for i := range 100 {
		members = append(members, file(fmt.Sprint(i), strings.Repeat("x", 1000)))
	}
	plain := build(t, members...)
	packed := gz(t, plain)
	nested := func(b []byte, room *Room) (*Archive, error) {
		return OpenNested(bytes.NewReader(b), int64(len(b)), Options{SpoolDir: t.TempDir(), Room: room})
	}
	room := &Room{Memory: 1 << 30, Expanded: 1 << 30}
	a, err := nested(packed, room)
	if err != nil || len(a.Members()) != len(members) {
		t.Fatalf("%v", err)
	}
	defer a.Close()
	if room.Memory != 1<<30-a.Footprint() || a.Footprint() < 100*400 || room.Expanded != 1<<30-int64(len(plain)) {
		t.Errorf("%+v is left, of which the members take %d", room, a.Footprint())
	}
	room = &Room{Memory: a.Footprint() * 3 / 2, Expanded: 1 << 30}
	for _, want := range []int{100, 51, 1} {
		b, err := nested(plain, room)
		if err != nil || len(b.Members()) != want {
			t.Errorf("%d members, %v, want %d", len(b.Members()), err, want)
		}
		if short := want < 100; short != (len(b.Damage()) == 1) {
			t.Errorf("%d members: damage %v", want, b.Damage())
		}
	}
	room = &Room{Memory: 1 << 30, Expanded: int64(len(plain)) * 3 / 2}
	b, err := nested(packed, room)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := nested(packed, room); err == nil || !strings.Contains(err.Error(), "compression bomb") {
		t.Errorf("%v, want that it is too long", err)
	}
}
