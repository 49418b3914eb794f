package procfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Uptime writes /proc/uptime. How long the processors were idle is 0.
//
// Source: fs/proc/uptime.c:uptime_proc_show.
func Uptime(w io.Writer, up time.Duration) error {
	const hundredth = time.Second / 100
	_, err := fmt.Fprintf(w, "%d.%02d 0.00\n", up/time.Second, up%time.Second/hundredth)
	return err
}

// Loadavg writes /proc/loadavg, of which nothing is known.
//
// Source: fs/proc/loadavg.c:loadavg_proc_show.
func Loadavg(w io.Writer) error {
	_, err := io.WriteString(w, "0.00 0.00 0.00 0/0 0\n")
	return err
}

// Version writes /proc/version as far as the release of the kernel is known,
// and without who built it, by what and when.
//
// Source: init/version-timestamp.c:linux_proc_banner.
func Version(w io.Writer, release string) error {
	_, err := fmt.Fprintf(w, "Linux version %s\n", release)
	return err
}

// SystemStat writes /proc/stat, of which nothing is known, not even how many
// processors there were.
//
// The time of the boot is 0 too. It would follow from the uptime, but with it
// ps(1) would show of each process, whose start is 0 after the boot, one that
// looks true; so it shows one in 1970.
//
// Source: fs/proc/stat.c:show_stat.
func SystemStat(w io.Writer) error {
	_, err := io.WriteString(w, `cpu  0 0 0 0 0 0 0 0 0 0
intr 0
ctxt 0
btime 0
processes 0
procs_running 0
procs_blocked 0
softirq 0 0 0 0 0 0 0 0 0 0 0
`)
	return err
}

// Meminfo writes /proc/meminfo. The memory of the machine is not known: in its
// place stands what the processes had together, by which tools divide to show
// the share of each. It is at least a page, for ps(1) divides by 0 otherwise.
//
// Source: fs/proc/meminfo.c:meminfo_proc_show.
func Meminfo(w io.Writer, resident uint64) error {
	const page = 4096
	b := bufio.NewWriter(w)
	for i, name := range meminfoNames {
		var bytes uint64
		if i == 0 {
			bytes = max(resident, page)
		}
		fmt.Fprintf(b, "%-16s%8d kB\n", name+":", bytes/1024)
	}
	return b.Flush()
}

// meminfoNames are the lines that every kernel has.
var meminfoNames = strings.Fields(`
	MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive
	Active(anon) Inactive(anon) Active(file) Inactive(file) Unevictable Mlocked
	SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem KReclaimable Slab
	SReclaimable SUnreclaim KernelStack PageTables SecPageTables NFS_Unstable
	Bounce WritebackTmp CommitLimit Committed_AS VmallocTotal VmallocUsed
	VmallocChunk Percpu`)

// Sysctl writes a file below /proc/sys.
//
// Source: kernel/sysctl.c:do_proc_dointvec.
func Sysctl(w io.Writer, values []uint64) error {
	b := bufio.NewWriter(w)
	for i, v := range values {
		if i > 0 {
			b.WriteByte('\t')
		}
		fmt.Fprint(b, v)
	}
	b.WriteByte('\n')
	return b.Flush()
}

// SystemUnavailable is [Unavailable] of what stands at the top of procs/.
func SystemUnavailable(w io.Writer) error {
	_, err := io.WriteString(w, systemUnavailable)
	return err
}

const systemUnavailable = `self: the first process, whoever looks
uptime: the idle time; all of it where there is no timens image
loadavg: all of it
cpuinfo, stat: all of it
stat btime: when the machine was booted; as it is 0, ps shows that processes began in 1970: their start is not saved
meminfo MemTotal: of the machine; what the processes had together is shown, of which ps shows the share of each
meminfo: all the others
version: who built the kernel, by what and when
version, sys/kernel/osrelease: the release as the vDSO has it, in numbers; what a distribution puts behind them is not saved; 0.0.0 if there is no vDSO
sys/kernel/pid_max: the greatest PID that there could be; the least that is possible is shown
sysvipc/shm cpid lpid atime dtime ctime swap, sysvipc/sem otime ctime, sysvipc/msg lspid lrpid stime rtime ctime: who used it last, and when; the rss of shm is what was captured
diskstats filesystems interrupts locks modules partitions slabinfo softirqs swaps thread-self vmstat zoneinfo: missing
`
