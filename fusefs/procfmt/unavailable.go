package procfmt

import "io"

// Unavailable writes what the other files of a process print as 0, or as the
// kernel's word for nothing, because CRIU does not save it.
func Unavailable(w io.Writer) error {
	_, err := io.WriteString(w, unavailable)
	return err
}

const unavailable = `attr/current: the mode of an AppArmor profile
cgroup: empty where CRIU was in the same control groups, and of zombies; numbers and order of the hierarchies of version 1
children: which thread a child is of; all are listed with the first
coredump_filter
exe cwd root fd map_files: links to what the checkpoint does not have dangle
fd: the inode numbers of packet sockets
fdinfo mnt_id: of what is not in the mount table, such as pipes, sockets and memfds
fdinfo ino: of files that were not deleted, of packet sockets, and of all that is anon_inode but pidfds
fdinfo eventfd-id eventfd-semaphore
fdinfo lock: the process that took a lock of flock(2) or a lease; the first that has it is shown; inode and device as above and in maps
fdinfo owner_prog_type owner_jited: of BPF maps; the lines are missing
io rchar wchar syscr syscw read_bytes write_bytes cancelled_write_bytes: accounting
maps inode: of files that were not deleted
maps device: of what is not in the mount table
mountinfo mounts: the types of file systems that CRIU does not know, which are none; the option nosymfollow
net/tcp net/udp net/raw net/icmp: uid, timers, ref, pointer, drops, timeouts, congestion window; sl of udp, raw and icmp
net/tcp: the byte of rx_queue that stands for the end of a connection
net/udp: bytes that wait
net/raw: rem_address and st of a connected socket, where CRIU could not ask the kernel for them
net/unix: RefCount
net/netlink: Rmem Wmem Dump Locks Drops; the kernel's own sockets
net/packet: RefCnt R Rmem User Inode
net/dev: all counters
net/route net/if_inet6: missing where the network was not the container's own
net/arp net/dev_mcast net/igmp net/ipv6_route net/netstat net/snmp net/snmp6 net/sockstat net/sockstat6: missing
ns: the inode numbers; CRIU's ids stand there, equal for processes that share a namespace; pid_for_children is missing
oom_score
pagemap: page frame numbers; a page is present where its bytes are in the checkpoint or in a known file
schedstat: accounting
sessionid: of the audit system
setgroups projid_map: missing
smaps smaps_rollup Rss: what was captured; clean pages of files are not
smaps smaps_rollup Shared_Clean Shared_Dirty Private_Clean Private_Dirty: which pages are clean or in use by other processes; those of the vDSO are shown as Shared_Clean, those of shared memory as Shared_Dirty, all others as Private_Dirty
smaps smaps_rollup Pss Pss_Dirty Pss_Anon Pss_File Pss_Shmem Referenced Swap SwapPss Locked: accounting
smaps smaps_rollup KSM LazyFree AnonHugePages ShmemPmdMapped FilePmdMapped Shared_Hugetlb Private_Hugetlb: kinds of pages
smaps THPeligible
smaps ProtectionKey: the lines are missing
smaps VmFlags: sd; ac of memory that was writable once; mm and pf of vvar
stat tty_nr tpgid: of a terminal that none of the processes has open
stat minflt cminflt majflt cmajflt: page faults
stat utime stime cutime cstime guest_time cguest_time: CPU time
stat starttime: when the process began
stat wchan processor delayacct_blkio_ticks: the kernel's own
stat exit_signal: of the first thread
stat flags: of threads beside the first
status VmPeak VmHWM: the greatest sizes; those at the time of the dump are shown
status VmRSS RssAnon RssFile RssShmem, stat rss, statm resident shared: what was captured; clean pages of files are not
status VmPin VmPTE VmSwap HugetlbPages: the kernel's own
status State: S of any process that was not stopped; running and sleeping are not told apart
status FDSize: of a table that has been larger; the smallest for its descriptors is shown
status Ngid TracerPid Kthread CoreDumping: the kernel's own
status SigQ: the number of queued signals
status Speculation_Store_Bypass SpeculationIndirectBranch untag_mask x86_Thread_features: of the processor
status Cpus_allowed Cpus_allowed_list Mems_allowed Mems_allowed_list: where it may run
status voluntary_ctxt_switches nonvoluntary_ctxt_switches: accounting
syscall: of 64-bit ARM, running where the code at the program counter is not in the checkpoint
timerslack_ns
uid_map gid_map: missing where CRIU was in the same user namespace
wchan: the kernel's own
zombies: credentials, limits, signals, flags and control groups
`
