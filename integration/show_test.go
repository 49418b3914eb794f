package integration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// show prints the summary and the statistics without a mount; summary,
// summary.json and stats in the mount say the same.
func TestShow(t *testing.T) {
	for _, fixture := range full {
		root, archive := sharedMount(t, fixture), testdata(fixture, "checkpoint.tar.zst")
		text := output(t, program(t), "show", archive)
		for _, name := range []string{"summary", "stats"} {
			if want := read(t, root, name); !strings.Contains(text, want) {
				t.Errorf("ckptfs show of %s lacks the mount's %s:\n%s\nwant\n%s", fixture, name, text, want)
			}
		}
		if got, want := output(t, program(t), "show", "--json", archive), read(t, root, "summary.json"); got != want {
			t.Errorf("ckptfs show --json of %s = %s, want the mount's summary.json %s", fixture, got, want)
		}
	}
}

// The summary to compute with has the host name, the processes and the
// statistics.
func TestSummaryJSON(t *testing.T) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		var summary struct {
			Hostname  string
			Processes []struct {
				PID  int
				Comm string
			}
			Stats []struct {
				Name  string
				Value uint64
			}
		}
		if err := json.Unmarshal([]byte(read(t, root, "summary.json")), &summary); err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(read(t, truth(t, fixture), "hostname")); summary.Hostname != want {
			t.Errorf("%s: hostname = %q, want %q", fixture, summary.Hostname, want)
		}
		var got []int
		for _, p := range summary.Processes {
			got = append(got, p.PID)
			if want := read(t, truth(t, fixture), fmt.Sprint(p.PID), "comm"); p.Comm+"\n" != want {
				t.Errorf("%s: comm of %d = %q, want %q", fixture, p.PID, p.Comm, want)
			}
		}
		slices.Sort(got)
		if want := pids(t, truth(t, fixture)); !slices.Equal(got, want) {
			t.Errorf("%s: processes = %v, want %v", fixture, got, want)
		}
		var stats strings.Builder
		for _, s := range summary.Stats {
			fmt.Fprintf(&stats, "%s: %d\n", s.Name, s.Value)
		}
		if want := read(t, root, "stats"); stats.String() != want {
			t.Errorf("%s: stats = %q, want %q", fixture, stats.String(), want)
		}
	}
}

// statistics are all counters of CRIU's dump statistics.
var statistics = []string{
	"freezing_time_us", "frozen_time_us", "memdump_time_us", "memwrite_time_us",
	"pages_scanned", "pages_skipped_parent", "pages_written", "irmap_resolve_us",
	"pages_lazy", "page_pipes", "page_pipe_bufs", "shpages_scanned",
	"shpages_skipped_parent", "shpages_written",
}

// stats has each counter once, `name: value`.
func TestStats(t *testing.T) {
	for _, fixture := range full {
		var names []string
		for _, line := range lines(read(t, sharedMount(t, fixture), "stats")) {
			name, value, _ := strings.Cut(line, ": ")
			var n uint64
			if _, err := fmt.Sscanf(value, "%d", &n); err != nil || fmt.Sprint(n) != value {
				t.Errorf("%s: stats line %q is not name: value", fixture, line)
			}
			names = append(names, name)
		}
		if !slices.Equal(names, statistics) {
			t.Errorf("%s: stats has %v, want %v", fixture, names, statistics)
		}
	}
}
