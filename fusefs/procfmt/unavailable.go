package procfmt

import "io"

// Unavailable writes what the other files of a process print as 0, or as the
// kernel's word for nothing, because CRIU does not save it.
func Unavailable(w io.Writer) error {
	_, err := io.WriteString(w, unavailable)
	return err
}

const unavailable = `stat tty_nr tpgid: the controlling terminal
stat minflt cminflt majflt cmajflt: page faults
stat utime stime cutime cstime guest_time cguest_time: CPU time
stat starttime: when the process began
stat itrealvalue wchan processor exit_signal delayacct_blkio_ticks: the kernel's own
stat flags: of threads beside the first
status VmPeak VmHWM: the greatest sizes; those at the time of the dump are shown
status VmRSS RssAnon RssFile RssShmem, stat rss, statm resident shared: what was captured; clean pages of files are not
status VmPin VmPTE VmSwap HugetlbPages: the kernel's own
status State: S of any process that was not stopped; running and sleeping are not told apart
status Ngid TracerPid FDSize Kthread CoreDumping: the kernel's own
status SigQ: the number of queued signals
status Speculation_Store_Bypass SpeculationIndirectBranch untag_mask: of the processor
status Cpus_allowed Cpus_allowed_list Mems_allowed Mems_allowed_list: where it may run
status voluntary_ctxt_switches nonvoluntary_ctxt_switches: accounting
smaps Pss Pss_Dirty Referenced Swap SwapPss Locked: see smaps in README
mountinfo mounts: the types of file systems that CRIU does not know, which are none; the option nosymfollow
fd: the inode numbers of packet sockets
maps inode: of files that were not deleted
`
