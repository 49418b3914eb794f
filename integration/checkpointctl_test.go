package integration

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkpointctlRecords are what checkpointctl printed, and of which archive.
var checkpointctlRecords = map[string]string{
	"counter.json":  "counter/checkpoint.tar.zst",
	"zoo.json":      "zoo/checkpoint.tar.zst",
	"variants.json": "variants/full.tar.zst",
	"nr2.json":      "nonroot/nr2.tar.zst",
	"nr3.json":      "nonroot/nr3.tar.zst",
	"predump.json":  "predump/final.tar.zst",
}

// checkpointctlWrong are facts in which checkpointctl differs from us, as it
// and as we say them.
var checkpointctlWrong = []struct {
	theirs  *regexp.Regexp
	ours    string
	because string
}{
	{regexp.MustCompile(`^(process \d+ cmdline .*) $`), `$1`, "it turns the NUL that ends the last argument into a blank"},
	{regexp.MustCompile(`^(file \d+ \d+ )pipe\[(\d+)\]$`), `${1}pipe:[$2]`, "not the kernel's name"},
	{regexp.MustCompile(`^(file \d+ \d+ )unix\[(\d+) .*\]$`), `${1}socket:[$2]`, "not the kernel's name"},
	{regexp.MustCompile(`^(type \d+ \d+) (INET|UNIX)SK$`), `$1 SOCKET`, "what kind of socket it is, our sockets say"},
	{regexp.MustCompile(`^(file \d+ \d+ )[A-Z]+\.(\d+)$`), `${1}file id $2`, "it gives the id in files.img for a name"},
	{regexp.MustCompile(`^(file \d+ \d+ /work/deleted-evidence)$`), `$1 (deleted)`, "it does not say that the file was deleted"},
}

// Whatever checkpointctl prints of a checkpoint, ckptfs show --json prints too.
func TestCheckpointctl(t *testing.T) {
	for record, archive := range checkpointctlRecords {
		ours := ourFacts(t, output(t, program(t), "show", "--json", "--env", testdata(archive)))
		facts := checkpointctlFacts(t, read(t, testdata("checkpointctl", record)))
		for _, fact := range facts {
			for _, wrong := range checkpointctlWrong {
				fact = wrong.theirs.ReplaceAllString(fact, wrong.ours)
			}
			if !ours[fact] {
				t.Errorf("%s: checkpointctl says %q, ckptfs show does not", archive, fact)
			}
		}
	}
}

// What the JSON says, the text says too: everything that checkpointctl prints
// is to be found in what show --all prints.
func TestCheckpointctlText(t *testing.T) {
	for record, archive := range checkpointctlRecords {
		text := output(t, program(t), "show", "--all", testdata(archive))
		var theirs checkpointctlOutput
		decodeJSON(t, read(t, testdata("checkpointctl", record)), &theirs)
		c := theirs[0]
		want := []string{c.Container, c.Image, c.ID, c.Runtime, c.Created, c.Engine, c.IP, c.MAC}
		for _, size := range c.Size {
			want = append(want, fmt.Sprint(size))
		}
		for _, m := range c.Mounts {
			want = append(want, m.Destination, m.Source)
		}
		for key, value := range c.Metadata.Annotations {
			want = append(want, key+": "+value)
		}
		for name, value := range c.Statistics {
			want = append(want, fmt.Sprintf("%s: %d\n", statName(name), value))
		}
		c.Tree.walk(0, func(p *checkpointctlProcess, _ int) {
			want = append(want, strings.TrimSuffix(p.Cmdline, " "))
			for key, value := range p.Environment {
				want = append(want, key+"="+value)
			}
		})
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("ckptfs show --all of %s lacks %q:\n%s", archive, w, text)
			}
		}
	}
}

// checkpointctlOutput is what `checkpointctl inspect --format=json` prints.
type checkpointctlOutput []struct {
	Container    string           `json:"container_name"`
	Image        string           `json:"image"`
	ID           string           `json:"id"`
	Runtime      string           `json:"runtime"`
	Created      string           `json:"created"`
	Checkpointed string           `json:"checkpointed"`
	Engine       string           `json:"engine"`
	IP           string           `json:"ip"`
	MAC          string           `json:"mac"`
	Size         map[string]int64 `json:"checkpoint_size"`
	Statistics   map[string]int64 `json:"statistics"`
	Networks     []struct {
		Name       string
		Interfaces map[string]struct{ IP, MAC, Gateway string }
	}
	Metadata struct {
		Annotations map[string]string
	}
	Tree  checkpointctlProcess `json:"process_tree"`
	Files []struct {
		PID   int                               `json:"pid"`
		Files []struct{ Type, FD, Path string } `json:"open_files"`
	} `json:"file_descriptors"`
	Mounts  []struct{ Destination, Type, Source string }
	Sockets []struct {
		PID     int `json:"pid"`
		Sockets []struct {
			Protocol string
			Data     struct {
				Type, State, Address, Src, Dst string
				SrcPort                        int    `json:"src_port"`
				DstPort                        int    `json:"dst_port"`
				SendBuf                        string `json:"send_buf"`
				RecvBuf                        string `json:"recv_buf"`
			}
		} `json:"open_sockets"`
	}
}

type checkpointctlProcess struct {
	PID         int
	Comm        string            `json:"command"`
	Cmdline     string            `json:"cmdline"`
	State       string            `json:"task_state"`
	Environment map[string]string `json:"environment_variables"`
	Children    []checkpointctlProcess
}

// walk visits a process and those below it, each with its parent's PID.
func (p *checkpointctlProcess) walk(parent int, visit func(p *checkpointctlProcess, parent int)) {
	visit(p, parent)
	for i := range p.Children {
		p.Children[i].walk(p.PID, visit)
	}
}

func checkpointctlFacts(t *testing.T, text string) (facts []string) {
	t.Helper()
	var list checkpointctlOutput
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields() // so that no fact is missed
	if err := d.Decode(&list); err != nil {
		t.Fatal(err)
	}
	c := list[0]
	fact := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	for name, value := range map[string]string{
		"container": c.Container, "image": c.Image, "id": c.ID, "runtime": c.Runtime, "created": c.Created,
		"checkpointed": c.Checkpointed, "engine": c.Engine, "ip": c.IP, "mac": c.MAC,
	} {
		if value != "" {
			fact("%s %s", name, value)
		}
	}
	for _, n := range c.Networks {
		for name, i := range n.Interfaces {
			fact("network %s %s %s %s %s", n.Name, name, i.IP, i.MAC, i.Gateway)
		}
	}
	for name, size := range c.Size {
		fact("%s %d", name, size)
	}
	for name, value := range c.Statistics {
		fact("statistics %s %d", statName(name), value)
	}
	for key, value := range c.Metadata.Annotations {
		fact("annotation %s %s", key, value)
	}
	c.Tree.walk(0, func(p *checkpointctlProcess, parent int) {
		fact("process %d child of %d", p.PID, parent)
		fact("process %d comm %s", p.PID, p.Comm)
		fact("process %d state %s", p.PID, map[string]string{"Alive": "S", "Stopped": "T", "Dead": "Z", "Zombie": "Z"}[p.State])
		if p.Cmdline != "" {
			fact("process %d cmdline %s", p.PID, p.Cmdline)
		}
		for key, value := range p.Environment {
			fact("process %d environment %s=%s", p.PID, key, value)
		}
	})
	for _, p := range c.Files {
		for _, f := range p.Files {
			_, fd, isDescriptor := strings.Cut(f.FD, " ")
			if !isDescriptor {
				fact("%s %d %s", f.FD, p.PID, f.Path)
				continue
			}
			fact("file %d %s %s", p.PID, fd, strings.TrimSuffix(f.Path, "\x00"))
			fact("type %d %s %s", p.PID, fd, f.Type)
		}
	}
	for _, m := range c.Mounts {
		fact("mount %s %s %s", m.Destination, m.Type, m.Source)
	}
	for _, p := range c.Sockets {
		for _, s := range p.Sockets {
			switch d := s.Data; d.Type {
			case "TCP", "UDP":
				fact("socket %d %s %s %s %s %s %s", p.PID, d.Type, d.State, endpoint(d.Src, d.SrcPort), endpoint(d.Dst, d.DstPort), d.SendBuf, d.RecvBuf)
			case "UNIX":
				fact("socket %d UNIX %s", p.PID, strings.TrimSuffix(d.Address, "\x00"))
			default:
				t.Errorf("a socket of type %q", d.Type)
			}
		}
	}
	return facts
}

// endpoint is an address and a port as ours are written.
func endpoint(ip string, port int) string {
	a := netip.MustParseAddr(ip)
	if port == 0 && a.IsUnspecified() {
		return ""
	}
	return netip.AddrPortFrom(a, uint16(port)).String()
}

// bufferSize is a number of bytes as checkpointctl prints it.
func bufferSize(bytes int64) string {
	size := float64(bytes) / 1024
	if size >= 1024 {
		return fmt.Sprintf("%.1f MB", size/1024)
	}
	return fmt.Sprintf("%.1f KB", size)
}

// statName is our name of a counter of checkpointctl, which has no unit.
func statName(name string) string {
	if strings.HasSuffix(name, "_time") {
		return name + "_us"
	}
	return name
}

// ourFacts are the same from `ckptfs show --json`.
func ourFacts(t *testing.T, text string) map[string]bool {
	t.Helper()
	var s struct {
		Container, Image, ID, Runtime, Created, Checkpointed, Engine string

		IP, MAC  []string
		Networks []struct {
			Network, Interface, MAC string
			Addresses, Gateways     []string
		}
		Archive struct {
			Checkpoint int64 `json:"checkpoint_bytes"`
			Pages      int64 `json:"pages_bytes"`
			RootfsDiff int64 `json:"rootfs_diff_bytes"`
		}
		Annotations map[string]string
		Processes   []struct {
			PID, PPID         int
			Comm, State       string
			Args, Environment []string
			CWD, Root         string
		}
		Tables []struct {
			PIDs  []int
			Files []struct {
				FD         int
				ID         int `json:"file_id"`
				Name, Type string
			}
		} `json:"descriptor_tables"`
		Sockets []struct {
			Kind, State, Local, Remote string
			SendBuffer                 int64 `json:"send_buffer_bytes"`
			ReceiveBuffer              int64 `json:"receive_buffer_bytes"`
			Holders                    []struct{ PID int }
		}
		Mounts []struct{ Destination, Type, Source string } `json:"spec_mounts"`
		Stats  []struct {
			Name  string
			Value int64
		}
	}
	decodeJSON(t, text, &s)
	facts := make(map[string]bool)
	fact := func(format string, args ...any) { facts[fmt.Sprintf(format, args...)] = true }
	fact("container %s", s.Container)
	fact("image %s", s.Image)
	fact("id %s", s.ID)
	fact("runtime %s", s.Runtime)
	fact("created %s", s.Created)
	fact("checkpointed %s", s.Checkpointed)
	fact("engine %s", s.Engine)
	fact("ip %s", strings.Join(s.IP, ", "))
	fact("mac %s", strings.Join(s.MAC, ", "))
	for _, n := range s.Networks {
		fact("network %s %s %s %s %s", n.Network, n.Interface, strings.Join(n.Addresses, " "), n.MAC, strings.Join(n.Gateways, " "))
	}
	fact("total_size %d", s.Archive.Checkpoint)
	fact("memory_pages_size %d", s.Archive.Pages)
	fact("root_fs_diff_size %d", s.Archive.RootfsDiff)
	for _, st := range s.Stats {
		fact("statistics %s %d", st.Name, st.Value)
	}
	for key, value := range s.Annotations {
		fact("annotation %s %s", key, value)
	}
	for _, p := range s.Processes {
		fact("process %d child of %d", p.PID, p.PPID)
		fact("process %d comm %s", p.PID, p.Comm)
		fact("process %d state %s", p.PID, p.State)
		fact("process %d cmdline %s", p.PID, strings.Join(p.Args, " "))
		for _, item := range p.Environment {
			fact("process %d environment %s", p.PID, item)
		}
		fact("cwd %d %s", p.PID, p.CWD)
		fact("root %d %s", p.PID, p.Root)
	}
	types := map[string]string{"file": "REG", "character device": "REG", "memfd": "MEMFD", "pipe": "PIPE"}
	for _, table := range s.Tables {
		for _, pid := range table.PIDs {
			for _, f := range table.Files {
				fact("file %d %d %s", pid, f.FD, f.Name)
				fact("file %d %d file id %d", pid, f.FD, f.ID)
				fact("type %d %d %s", pid, f.FD, cmp.Or(types[f.Type], strings.ToUpper(f.Type)))
			}
		}
	}
	for _, so := range s.Sockets {
		for _, h := range so.Holders {
			kind, _, unix := strings.Cut(so.Kind, "/")
			if unix {
				fact("socket %d %s %s", h.PID, strings.ToUpper(kind), so.Local)
			}
			fact("socket %d %s %s %s %s %s %s", h.PID, strings.ToUpper(strings.TrimSuffix(so.Kind, "6")), so.State, so.Local, so.Remote,
				bufferSize(so.SendBuffer), bufferSize(so.ReceiveBuffer))
		}
	}
	for _, m := range s.Mounts {
		fact("mount %s %s %s", m.Destination, m.Type, m.Source)
	}
	return facts
}

func decodeJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
}

// The summary with all its sections is the golden one, which was compared with
// the record of the live processes by hand.
func TestShowGolden(t *testing.T) {
	for _, fixture := range full {
		got := output(t, program(t), "show", "--all", testdata(fixture, "checkpoint.tar.zst"))
		golden(t, filepath.Join("testdata", fixture, "show.golden"), got)
	}
}

// No list in the JSON is null, with everything in the archive and with next to
// nothing.
func TestShowJSONHasNoNull(t *testing.T) {
	for _, archive := range slices.Concat([]string{testdata("compat", "compat.tar.zst"), testdata("chain", "chain.tar.zst")}, allArchives()) {
		text := output(t, program(t), "show", "--json", "--env", archive)
		var v any
		decodeJSON(t, text, &v)
		if path := findNull(v, ""); path != "" {
			t.Errorf("show --json of %s: %s is null", archive, path)
		}
	}
}

func allArchives() (paths []string) {
	for _, archive := range checkpointctlRecords {
		paths = append(paths, testdata(archive))
	}
	return paths
}

// findNull is the path of a null in a decoded JSON value, or "".
func findNull(v any, path string) string {
	switch v := v.(type) {
	case nil:
		return path
	case []any:
		for i, e := range v {
			if at := findNull(e, fmt.Sprintf("%s[%d]", path, i)); at != "" {
				return at
			}
		}
	case map[string]any:
		for key, e := range v {
			if at := findNull(e, path+"."+key); at != "" {
				return at
			}
		}
	}
	return ""
}
