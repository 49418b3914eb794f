package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// unsavedIPC are the columns of /proc/sysvipc that CRIU does not save: who last
// used an object, and when. And of a segment's memory it stores no page that is
// all zeros, so that fewer bytes are captured than were resident.
var unsavedIPC = map[string]bool{
	"cpid": true, "lpid": true, "lspid": true, "lrpid": true,
	"atime": true, "dtime": true, "ctime": true, "otime": true, "stime": true, "rtime": true,
	"rss": true,
}

// ns/ipc has what /proc/sysvipc had, in every column that was saved.
func TestSysvipc(t *testing.T) {
	for _, table := range []string{"shm", "sem", "msg"} {
		got := lines(read(t, sharedMount(t, "zoo"), "ns/ipc", table))
		want := lines(read(t, filepath.Join(truth(t, "zoo"), "sysvipc", table)))
		if len(got) != len(want) || len(got) != 2 || got[0] != want[0] {
			t.Fatalf("ns/ipc/%s = %q, want %q", table, got, want)
		}
		if len(got[1]) != len(want[1]) {
			t.Errorf("ns/ipc/%s: columns of other widths than in %q: %q", table, want[1], got[1])
		}
		g, w := strings.Fields(got[1]), strings.Fields(want[1])
		for i, column := range strings.Fields(want[0]) {
			unsaved := unsavedIPC[column] && (g[i] == "0" || column == "rss" && g[i] == "4096")
			if g[i] != w[i] && !unsaved {
				t.Errorf("ns/ipc/%s: %s = %s, want %s", table, column, g[i], w[i])
			}
		}
	}
}
