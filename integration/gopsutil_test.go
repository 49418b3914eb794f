package integration

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shirou/gopsutil/v4/common"
	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
)

// gopsutil reads procs/ as its HOST_PROC.
func TestGopsutil(t *testing.T) {
	for _, r := range recorded {
		t.Run(r.name, func(t *testing.T) {
			root := filepath.Join(mountWithParent(t, r), "procs")
			ctx := context.WithValue(t.Context(), common.EnvKey, common.EnvMap{common.HostProcEnvKey: root})
			list, err := process.PidsWithContext(ctx)
			check(t, err)
			var got []int
			for _, pid := range list {
				got = append(got, int(pid))
			}
			slices.Sort(got)
			if want := pids(t, root); !slices.Equal(got, want) {
				t.Fatalf("processes %v, want %v", got, want)
			}
			for _, pid := range list {
				gopsutilProcess(t, ctx, root, pid)
			}
			for name, call := range map[string]func() error{
				"host.BootTime":     discard(func() (uint64, error) { return host.BootTimeWithContext(ctx) }),
				"mem.VirtualMemory": discard(func() (*mem.VirtualMemoryStat, error) { return mem.VirtualMemoryWithContext(ctx) }),
				"load.Avg":          discard(func() (*load.AvgStat, error) { return load.AvgWithContext(ctx) }),
				"cpu.Times":         discard(func() ([]cpu.TimesStat, error) { return cpu.TimesWithContext(ctx, false) }),
				"net.Connections":   discard(func() ([]net.ConnectionStat, error) { return net.ConnectionsWithContext(ctx, "all") }),
				"net.IOCounters":    discard(func() ([]net.IOCountersStat, error) { return net.IOCountersWithContext(ctx, true) }),
			} {
				if err := call(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// gopsutilProcess calls whatever reads a file of a process.
func gopsutilProcess(t *testing.T, ctx context.Context, root string, pid int32) { //nolint:revive // the test comes first
	t.Helper()
	// NewProcess would look for a process of this machine: it takes procs/ for
	// a /proc only where that is a mount of its own.
	p := &process.Process{Pid: pid}
	name, err := p.NameWithContext(ctx)
	check(t, err)
	dir := filepath.Join(root, strconv.Itoa(int(pid)))
	if comm := strings.TrimSuffix(read(t, dir, "comm"), "\n"); !strings.HasPrefix(name, comm) {
		t.Errorf("process %d: Name = %q, comm %q", pid, name, comm)
	}
	calls := map[string]func() error{
		"Ppid":           discard(func() (int32, error) { return p.PpidWithContext(ctx) }),
		"CmdlineSlice":   discard(func() ([]string, error) { return p.CmdlineSliceWithContext(ctx) }),
		"CreateTime":     discard(func() (int64, error) { return p.CreateTimeWithContext(ctx) }),
		"Status":         discard(func() ([]string, error) { return p.StatusWithContext(ctx) }),
		"Uids":           discard(func() ([]uint32, error) { return p.UidsWithContext(ctx) }),
		"Gids":           discard(func() ([]uint32, error) { return p.GidsWithContext(ctx) }),
		"Groups":         discard(func() ([]uint32, error) { return p.GroupsWithContext(ctx) }),
		"NumCtxSwitches": discard(func() (*process.NumCtxSwitchesStat, error) { return p.NumCtxSwitchesWithContext(ctx) }),
		"NumThreads":     discard(func() (int32, error) { return p.NumThreadsWithContext(ctx) }),
		"Times":          discard(func() (*cpu.TimesStat, error) { return p.TimesWithContext(ctx) }),
		"Threads":        discard(func() (map[int32]*cpu.TimesStat, error) { return p.ThreadsWithContext(ctx) }),
		"PageFaults":     discard(func() (*process.PageFaultsStat, error) { return p.PageFaultsWithContext(ctx) }),
	}
	if exists(filepath.Join(dir, "regs")) {
		for name, call := range map[string]func() error{
			"Exe":          discard(func() (string, error) { return p.ExeWithContext(ctx) }),
			"Cwd":          discard(func() (string, error) { return p.CwdWithContext(ctx) }),
			"NumFDs":       discard(func() (int32, error) { return p.NumFDsWithContext(ctx) }),
			"OpenFiles":    discard(func() ([]process.OpenFilesStat, error) { return p.OpenFilesWithContext(ctx) }),
			"Connections":  discard(func() ([]net.ConnectionStat, error) { return p.ConnectionsWithContext(ctx) }),
			"Environ":      discard(func() ([]string, error) { return p.EnvironWithContext(ctx) }),
			"Rlimit":       discard(func() ([]process.RlimitStat, error) { return p.RlimitWithContext(ctx) }),
			"MemoryInfo":   discard(func() (*process.MemoryInfoStat, error) { return p.MemoryInfoWithContext(ctx) }),
			"MemoryInfoEx": discard(func() (*process.MemoryInfoExStat, error) { return p.MemoryInfoExWithContext(ctx) }),
			"MemoryMaps":   discard(func() (*[]process.MemoryMapsStat, error) { return p.MemoryMapsWithContext(ctx, false) }),
			"IOCounters":   discard(func() (*process.IOCountersStat, error) { return p.IOCountersWithContext(ctx) }),
		} {
			calls[name] = call
		}
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("process %d: %s: %v", pid, name, err)
		}
	}
}
