package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The columns of the tables of IP sockets, by their place in a row.
const (
	inetPlace   = 0
	inetTimer   = 5
	inetRetrans = 6
	inetUser    = 7
	inetInode   = 9
	inetRefs    = 10
	inetPointer = 11
	inetDrops   = 12
)

// unsavedNet are the columns of the files of /proc/net that CRIU does not save,
// and what stands there in a checkpoint: the kernel's form of nothing.
var unsavedNet = map[string]map[int]string{
	// Retransmission timers; the timeouts and the congestion window behind
	// the pointer are compared nowhere.
	"tcp": {inetPlace: "*", inetTimer: "00:00000000", inetRetrans: "00000000", inetUser: "0", inetRefs: "0", inetPointer: "0000000000000000"},
	// The place is a bucket of the kernel's hash table.
	"udp": {inetPlace: "0:", inetTimer: "00:00000000", inetRetrans: "00000000", inetUser: "0", inetRefs: "0", inetPointer: "0000000000000000", inetDrops: "0"},
	// Pointer and references.
	"unix":    {0: "0000000000000000:", 1: "00000000"},
	"netlink": {0: "0000000000000000", 4: "0", 5: "0", 6: "0", 7: "0", 8: "0"},
	// Whether it runs, what waits, user and inode number.
	"packet": {0: "0000000000000000", 1: "0", 5: "0", 6: "0", 7: "0", 8: "0"},
}

// netTables are the files and the columns that are not saved in them.
var netTables = map[string]string{
	"tcp": "tcp", "tcp6": "tcp", "udp": "udp", "udp6": "udp", "udplite": "udp", "udplite6": "udp",
	"raw": "udp", "raw6": "udp", "icmp": "udp", "icmp6": "udp",
	"unix": "unix", "netlink": "netlink", "packet": "packet",
}

// otherRows are rows, of the live system and of the checkpoint, that differ in
// a column that is saved of other sockets, with how unavailable begins to say
// so.
var otherRows = []struct{ live, ours, unavailable string }{
	// The end of the connection is counted as a byte to be read until the
	// process has seen it, which CRIU does not record.
	{"0100007F:1F90 0100007F:0FA1 08 00000000:00000001", "0100007F:1F90 0100007F:0FA1 08 00000000:00000000", "net/tcp: the byte of rx_queue "},
	// CRIU asks the kernel for raw sockets by a module that need not be
	// there, and does not learn without it where one is connected to.
	{"010200C0:0059 020200C0:0000 01 00000000:00000000", "010200C0:0059 00000000:0000 07 00000000:00000000", "net/raw: rem_address and st "},
}

// recordedSockets is the checkpoint that has a socket of every kind.
var recordedSockets = recording{"sockets", "sockets/sockets.tar.zst", "sockets/truth.tar.zst", "", ""}

// ns/net has what /proc/net showed of the sockets of the container's processes,
// in every row and column. The record has further rows: of the kernel's own
// sockets, of connections that have ended and are waited for, and, where the
// container had the host's network, of the host's.
func TestNetTables(t *testing.T) {
	for _, r := range append([]recording{recordedSockets}, recorded...) {
		t.Run(r.name, func(t *testing.T) {
			root, record := mountedOnce(t, testdata(r.archive)), unpackedOnce(t, r.truth)
			held := heldInodes(t, record)
			for table, kind := range netTables {
				if !exists(filepath.Join(record, "net", table)) {
					continue // an older record
				}
				compareNetTable(t, table, kind, read(t, root, "ns/net", table), read(t, record, "net", table), held)
			}
		})
	}
}

// unavailable names such a column too.
func TestOtherRowsUnavailable(t *testing.T) {
	procs := filepath.Join(mountedOnce(t, testdata(recordedSockets.archive)), "procs")
	text := read(t, procs, fmt.Sprint(pids(t, procs)[0]), "unavailable")
	for _, other := range otherRows {
		if !strings.Contains(text, "\n"+other.unavailable) {
			t.Errorf("unavailable does not say %q", other.unavailable)
		}
	}
}

// heldInodes are the sockets of the recorded processes.
func heldInodes(t *testing.T, record string) map[string]bool {
	held := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(record, "*/fd.txt"))
	check(t, err)
	for _, file := range files {
		for _, m := range regexp.MustCompile(`socket:\[(\d+)\]`).FindAllStringSubmatch(read(t, file), -1) {
			held[m[1]] = true
		}
	}
	return held
}

func compareNetTable(t *testing.T, table, kind, got, want string, held map[string]bool) {
	t.Helper()
	ours, live := netRows(kind, got), netRows(kind, want)
	if ours[0] != live[0] {
		t.Errorf("%s: first line %q, want %q", table, ours[0], live[0])
	}
	var expected []string
	for _, row := range live[1:] {
		if heldRow(kind, row, live, held) {
			expected = append(expected, withoutUnsaved(kind, row))
		}
	}
	var shown []string
	for _, row := range ours[1:] {
		shown = append(shown, withoutUnsaved(kind, row))
		for column, nothing := range unsavedNet[kind] {
			if f := strings.Fields(row)[column]; nothing != "*" && f != nothing {
				t.Errorf("%s: %q: column %d is %q, want %q", table, row, column, f, nothing)
			}
		}
	}
	slices.Sort(expected)
	slices.Sort(shown)
	if !slices.Equal(shown, expected) {
		t.Errorf("%s:\n%s\nwant\n%s", table, strings.Join(shown, "\n"), strings.Join(expected, "\n"))
	}
}

// netRows are the rows of a table. The name of a UNIX socket may have line ends
// in it.
func netRows(kind, text string) []string {
	var rows []string
	start := regexp.MustCompile(`^[0-9a-f]{16}: `)
	for _, line := range lines(text) {
		if kind == "unix" && len(rows) > 0 && !start.MatchString(line) {
			rows[len(rows)-1] += "\n" + line
		} else {
			rows = append(rows, line)
		}
	}
	return rows
}

// heldRow tells whether a row is of a socket that a process of the container
// has, or of one that waits to be accepted by such a socket: it has that one's
// name, and no inode number.
func heldRow(kind, row string, rows []string, held map[string]bool) bool {
	f := strings.Fields(row)
	column := map[string]int{"tcp": inetInode, "udp": inetInode, "unix": 6, "netlink": 9, "packet": 8}[kind]
	if held[f[column]] || kind != "unix" || f[column] != "0" || len(f) == column+1 {
		return held[f[column]]
	}
	name := strings.Join(f[column+1:], " ")
	return slices.ContainsFunc(rows, func(other string) bool {
		return held[strings.Fields(other)[column]] && strings.HasSuffix(other, " "+name)
	})
}

// withoutUnsaved is a row with dots in place of the columns that are not saved,
// and of the spaces before them.
func withoutUnsaved(kind, row string) string {
	for _, other := range otherRows {
		row = strings.Replace(row, other.live, other.ours, 1)
	}
	spans := regexp.MustCompile(`\s*\S+`).FindAllStringIndex(row, -1)
	text := ""
	for i, span := range spans {
		_, unsaved := unsavedNet[kind][i]
		switch {
		case kind == "tcp" && i > inetPointer:
		case unsaved:
			text += "."
		default:
			text += row[span[0]:span[1]]
		}
	}
	return text
}

// The rows of a kind have the width of the kernel's, which fills some of them
// up with spaces.
func TestNetWidths(t *testing.T) {
	root, record := mountedOnce(t, testdata(recordedSockets.archive)), unpackedOnce(t, recordedSockets.truth)
	for table, kind := range netTables {
		if kind != "tcp" && kind != "udp" {
			continue
		}
		got, want := lines(read(t, root, "ns/net", table)), lines(read(t, record, "net", table))
		for i := range got {
			padded := strings.HasSuffix(want[i], "  ")
			if len(got[i]) != len(want[0]) && padded || strings.HasSuffix(got[i], "  ") != padded {
				t.Errorf("%s: %q has %d bytes, the kernel's %q %d", table, got[i], len(got[i]), want[i], len(want[i]))
			}
		}
	}
}

// A process in a second network namespace has that one's tables, and they stand
// beside those of the first, which all others have.
func TestNetNamespaces(t *testing.T) {
	root, record := mountedOnce(t, testdata(recordedSockets.archive)), unpackedOnce(t, recordedSockets.truth)
	second, err := filepath.Glob(filepath.Join(root, "ns/net.*"))
	check(t, err)
	if len(second) != 1 {
		t.Fatalf("second namespaces: %v, want one", second)
	}
	for _, table := range []string{"tcp", "udp", "unix"} {
		compareNetTable(t, table, table, read(t, second[0], table), read(t, record, "net2", table), heldInodes(t, record))
	}
	processes := pids(t, filepath.Join(root, "procs"))
	for i, pid := range processes {
		want := filepath.Join(root, "ns/net")
		if i == len(processes)-1 {
			want = second[0]
		}
		for _, dir := range []string{"net", fmt.Sprintf("task/%d/net", pid)} {
			got := filepath.Join(root, "procs", fmt.Sprint(pid), dir)
			for _, name := range []string{"tcp", "unix", "route"} {
				if read(t, got, name) != read(t, want, name) {
					t.Errorf("%s/%s is not %s/%s", got, name, want, name)
				}
			}
		}
	}
	if read(t, root, "procs/net/tcp") != read(t, root, "ns/net/tcp") {
		t.Error("procs/net/tcp is not that of the first process")
	}
}

// Interfaces, addresses, routes and rules are what ip and the kernel show, but
// for what is not saved of an interface, and its counters.
func TestNetSetup(t *testing.T) {
	root, record := mountedOnce(t, testdata(recordedSockets.archive)), unpackedOnce(t, recordedSockets.truth)
	second, err := filepath.Glob(filepath.Join(root, "ns/net.*"))
	check(t, err)
	for got, want := range map[string]string{filepath.Join(root, "ns/net"): "net", second[0]: "net2"} {
		for _, name := range []string{"ip-route", "ip-route6", "ip-rule", "route"} {
			if g, w := read(t, got, name), read(t, record, want, name); g != w {
				t.Errorf("%s/%s:\n%swant\n%s", got, name, g, w)
			}
		}
		// The kernel has these by a hash of the address.
		g, w := lines(read(t, got, "if_inet6")), lines(read(t, record, want, "if_inet6"))
		slices.Sort(g)
		slices.Sort(w)
		if !slices.Equal(g, w) {
			t.Errorf("%s/if_inet6 = %q, want %q", got, g, w)
		}
		live := read(t, record, want, "ip-addr")
		for _, unsaved := range []string{` qdisc.*`, ` 00:00:00:00:00:00 brd.*`, ` brd ff:.*`} {
			live = regexp.MustCompile(unsaved).ReplaceAllString(live, "")
		}
		// The record was taken up to a minute before the dump.
		seconds := regexp.MustCompile(`8[89]\d\dsec`)
		if g, w := seconds.ReplaceAllString(read(t, got, "ip-addr"), "#"), seconds.ReplaceAllString(live, "#"); g != w {
			t.Errorf("%s/ip-addr:\n%swant\n%s", got, g, w)
		}
		if g, w := read(t, got, "dev"), withoutCounters(read(t, record, want, "dev")); g != w {
			t.Errorf("%s/dev:\n%swant\n%s", got, g, w)
		}
	}
}

// withoutCounters is /proc/net/dev with a 0 for every count.
func withoutCounters(dev string) string {
	return regexp.MustCompile(` *\b\d+\b`).ReplaceAllStringFunc(dev, func(n string) string {
		return strings.Repeat(" ", len(n)-1) + "0"
	})
}

// crun's checkpoint has its network namespace: what "ip addr showdump" of
// iproute2 6.1 printed of its ifaddr-10.img, and "ip rule" of the three
// rules that each namespace begins with. CRIU's own rules, by which it locks the
// network during the dump, are among those of the firewall.
func TestNetOfCrun(t *testing.T) {
	root := mountedOnce(t, testdata("nonroot/nr3.tar.zst"))
	record := unpackedOnce(t, "nonroot/truth-nr3.tar.zst")
	for name, want := range map[string]string{
		"ip-addr": `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
    link/loopback
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host 
       valid_lft forever preferred_lft forever
`,
		"ip-route":  "",
		"ip-route6": "",
		"ip-rule":   "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
		"iptables":  "",
		"route":     read(t, record, "net/route"),
		"dev":       read(t, record, "net/dev"),
		"nftables":  read(t, root, "archive/checkpoint/nftables-10.img"),
	} {
		if got := read(t, root, "ns/net", name); got != want {
			t.Errorf("ns/net/%s = %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(read(t, root, "ns/net/nftables"), "table ip filter {") {
		t.Error("ns/net/nftables has no rules")
	}
}

// What the engine says of the network stands in status, and where the engine
// made the namespace, its interfaces are known from that alone.
func TestNetStatus(t *testing.T) {
	root, record := sharedMount(t, "zoo"), truth(t, "zoo")
	if got, want := read(t, root, "ns/net/status"), "podman\teth0\t10.88.0.6/16\t10.88.0.1\t1e:7f:2e:c2:34:9f\t-\n"; got != want {
		t.Errorf("status = %q, want %q", got, want)
	}
	if got, want := read(t, root, "ns/net/dev"), withoutCounters(read(t, record, "net/dev")); got != want {
		t.Errorf("dev = %q, want %q", got, want)
	}
	for _, absent := range []string{"route", "if_inet6", "ip-addr", "iptables"} {
		if exists(filepath.Join(root, "ns/net", absent)) {
			t.Errorf("ns/net/%s: not in the checkpoint", absent)
		}
	}
	variants := mountedOnce(t, testdata("variants/full.tar.zst"))
	if got, want := read(t, variants, "ns/net/status"), "podman\teth0\t10.88.0.2/16\t10.88.0.1\t9e:a9:ef:f6:63:51\t1.2.3.4\n"; got != want {
		t.Errorf("status = %q, want %q", got, want)
	}
}

// sockets has every socket, who holds it, and the other end.
func TestSockets(t *testing.T) {
	text := read(t, sharedMount(t, "zoo"), "ns/net/sockets")
	if got := len(lines(text)); got != 8 {
		t.Errorf("%d sockets, want 8", got)
	}
	holders := func(fd string) string {
		return regexp.MustCompile(`#`).ReplaceAllString("1/#:zoo,6/#:zoo-child,7/#:zoo-regs,9/#:zoo-plain,10/#:memfd:evil,11/#:zoo-dropparent,12/#:dropper", fd)
	}
	for _, line := range []string{
		"tcp\tESTABLISHED\t127.0.0.1:4444\t127.0.0.1:44098\t82253\t16\t0\t" + holders("13") + "\treuseaddr\n",
		"unix/stream\tESTABLISHED\t-\tsocket:[82254] (" + holders("14") + ")\t82255\t17\t0\t" + holders("15") + "\t-\n",
		"unix/stream\tLISTEN\t/work/zoo.sock\t-\t82256\t0\t0\t" + holders("16") + "\tbacklog=3 mode=0750 uid=0 gid=0\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("sockets lacks %q:\n%s", line, text)
		}
	}
	all := read(t, mountedOnce(t, testdata(recordedSockets.archive)), "ns/net/sockets")
	for _, want := range []string{
		"\tbacklog=9 reuseaddr reuseport mark=0x1234 dev=front\n",
		"\tkeepalive nodelay\n",
		"\tifindex=3 filter=4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0\n",
		"\t/tmp/sockets/line\\x0aend\t",
		"\tdeleted mode=0755 uid=0 gid=0\n",
		"\tgroups=0x11\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("sockets lacks %q:\n%s", want, all)
		}
	}
}
