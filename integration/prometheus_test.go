package integration

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/procfs"
)

// prometheus/procfs reads procs/ of every recorded checkpoint as it reads
// /proc, and what it reads is what it finds in the record.
func TestPrometheusProcfs(t *testing.T) {
	for _, r := range recorded {
		t.Run(r.name, func(t *testing.T) {
			root := filepath.Join(mountWithParent(t, r), "procs")
			fs, err := procfs.NewFS(root)
			check(t, err)
			procs, err := fs.AllProcs()
			check(t, err)
			if got, want := len(procs), len(pids(t, root)); got != want || got == 0 {
				t.Fatalf("%d processes, want %d", got, want)
			}
			record, err := procfs.NewFS(unpackedOnce(t, r.truth))
			check(t, err)
			for _, p := range procs {
				prometheusProcess(t, p)
				dir := filepath.Join(unpackedOnce(t, r.truth), fmt.Sprint(p.PID))
				live, err := record.Proc(p.PID)
				if err != nil || !exists(filepath.Join(dir, "status")) {
					continue
				}
				prometheusEqual(t, dir, p, live)
			}
			prometheusNet(t, fs)
		})
	}
}

// prometheusProcess calls whatever parses a file of a process.
func prometheusProcess(t *testing.T, p procfs.Proc) {
	t.Helper()
	calls := map[string]func() error{
		"Stat":      discard(p.Stat),
		"NewStatus": discard(p.NewStatus),
		"CmdLine":   discard(p.CmdLine),
		"Comm":      discard(p.Comm),
	}
	if status, err := p.NewStatus(); err != nil || status.VmSize > 0 {
		for name, call := range map[string]func() error{
			"Limits":                discard(p.Limits),
			"Environ":               discard(p.Environ),
			"FileDescriptors":       discard(p.FileDescriptors),
			"FileDescriptorTargets": discard(p.FileDescriptorTargets),
			"FileDescriptorsInfo":   discard(p.FileDescriptorsInfo),
			"MountInfo":             discard(p.MountInfo),
			"ProcMaps":              discard(p.ProcMaps),
			"ProcSMapsRollup":       discard(p.ProcSMapsRollup),
			"Statm":                 discard(p.Statm),
			"Cgroups":               discard(p.Cgroups),
			"Namespaces":            discard(p.Namespaces),
			"Executable":            discard(p.Executable),
			"Cwd":                   discard(p.Cwd),
			"RootDir":               discard(p.RootDir),
			"Wchan":                 discard(p.Wchan),
			"NetDev":                discard(p.NetDev),
		} {
			calls[name] = call
		}
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("process %d: %s: %v", p.PID, name, err)
		}
	}
}

func discard[T any](f func() (T, error)) func() error {
	return func() error {
		_, err := f()
		return err
	}
}

// prometheusEqual compares what is neither of the host nor accounting; the
// tests of each file compare every line.
func prometheusEqual(t *testing.T, record string, ours, live procfs.Proc) {
	t.Helper()
	got, err := ours.Stat()
	check(t, err)
	want, err := live.Stat()
	check(t, err)
	if got.Comm != want.Comm || got.VSize != want.VSize || got.NumThreads != want.NumThreads || got.Nice != want.Nice {
		t.Errorf("process %d: Stat = %+v, want %+v", ours.PID, got, want)
	}
	args, err := ours.CmdLine()
	check(t, err)
	if wanted, err := live.CmdLine(); err != nil || !slices.Equal(args, wanted) {
		t.Errorf("process %d: CmdLine = %q, want %q (%v)", ours.PID, args, wanted, err)
	}
	if got.State == "Z" {
		return
	}
	status, err := ours.NewStatus()
	check(t, err)
	if wanted, err := live.NewStatus(); err != nil || status.UIDs != wanted.UIDs || status.GIDs != wanted.GIDs || status.VmSize != wanted.VmSize {
		t.Errorf("process %d: NewStatus = %+v, want %+v (%v)", ours.PID, status, wanted, err)
	}
	limits, err := ours.Limits()
	check(t, err)
	if wanted, err := live.Limits(); err != nil || limits != wanted {
		t.Errorf("process %d: Limits = %+v, want %+v (%v)", ours.PID, limits, wanted, err)
	}
	maps, err := ours.ProcMaps()
	check(t, err)
	if !exists(filepath.Join(record, "maps")) {
		return
	}
	if wanted, err := live.ProcMaps(); err != nil || len(maps) != len(wanted) {
		t.Errorf("process %d: ProcMaps = %d mappings, want %d (%v)", ours.PID, len(maps), len(wanted), err)
	}
}

//nolint:staticcheck // NetTCP is deprecated for being slower than asking the kernel
func prometheusNet(t *testing.T, fs procfs.FS) {
	t.Helper()
	for name, call := range map[string]func() error{
		//lint:ignore SA1019 slower than asking the kernel, which does not know of a checkpoint
		"NetTCP": discard(fs.NetTCP),
		//lint:ignore SA1019 as above
		"NetTCP6": discard(fs.NetTCP6),
		"NetUDP":  discard(fs.NetUDP),
		"NetUDP6": discard(fs.NetUDP6),
		"NetUNIX": discard(fs.NetUNIX),
		"NetDev":  discard(fs.NetDev),
		"Stat":    discard(fs.Stat),
		"Meminfo": discard(fs.Meminfo),
		"LoadAvg": discard(fs.LoadAvg),
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
