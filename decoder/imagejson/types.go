package imagejson

import "github.com/ckptfs/ckptfs/decoder/criu"

// imageType is what the entries of an image are.
type imageType struct {
	name    string // as crit has it: that in magic.h, less _MAGIC
	message string // type of its entries
	rest    string // type of all but the first, if that is another
	payload func(*printer, payloadOf) error
}

// imageTypes are the types of images by their magic. What is an entry of FILES
// today was an image of its own in old checkpoints, such as PIPES.
//
// Source: criu/include/magic.h, criu/include/protobuf-desc.h.
var imageTypes = map[criu.Magic]imageType{
	0x59423047: {name: "APPARMOR", message: "apparmor_entry"},
	0x49353943: {name: "AUTOFS", message: "autofs_entry"},
	0x67343323: {name: "BINFMT_MISC", message: "binfmt_misc_entry"},
	0x64324033: {name: "BPFMAP_DATA", message: "bpfmap_data_entry", payload: bytesOf("keys_bytes", "values_bytes")},
	0x57506142: {name: "BPFMAP_FILE", message: "bpfmap_file_entry"},
	0x59383330: {name: "CGROUP", message: "cgroup_entry"},
	0x55053847: {name: "CORE", message: "core_entry"},
	0x61404013: {name: "CPUINFO", message: "cpuinfo_entry"},
	0x54023547: {name: "CREDS", message: "creds_entry"},
	0x44523722: {name: "EVENTFD_FILE", message: "eventfd_file_entry"},
	0x45023858: {name: "EVENTPOLL_FILE", message: "eventpoll_file_entry"},
	0x44433746: {name: "EVENTPOLL_TFD", message: "eventpoll_tfd_entry"},
	0x59255641: {name: "EXT_FILES", message: "ext_file_entry"},
	0x55096122: {name: "FANOTIFY_FILE", message: "fanotify_file_entry"},
	0x56506035: {name: "FANOTIFY_MARK", message: "fanotify_mark_entry"},
	0x56213732: {name: "FDINFO", message: "fdinfo_entry"},
	0x58364939: {name: "FIFO", message: "fifo_entry"},
	0x59333054: {name: "FIFO_DATA", message: "pipe_data_entry", payload: bytesOf("bytes")},
	0x56303138: {name: "FILES", message: "file_entry"},
	0x54323616: {name: "FILE_LOCKS", message: "file_lock_entry"},
	0x51403912: {name: "FS", message: "fs_entry"},
	0x52583605: {name: "GHOST_FILE", message: "ghost_file_entry", rest: "ghost_chunk_entry", payload: ghostFile},
	0x54432030: {name: "IDS", message: "task_kobj_ids_entry"},
	0x56443851: {name: "INETSK", message: "inet_sk_entry"},
	0x48424431: {name: "INOTIFY_FILE", message: "inotify_file_entry"},
	0x54562009: {name: "INOTIFY_WD", message: "inotify_wd_entry"},
	0x58313116: {name: "INVENTORY", message: "inventory_entry"},
	0x55453737: {name: "IPCNS_MSG", message: "ipc_msg_entry", payload: messages},
	0x59573019: {name: "IPCNS_SEM", message: "ipc_sem_entry", payload: semaphores},
	0x46283044: {name: "IPCNS_SHM", message: "ipc_shm_entry", payload: segment},
	0x53115007: {name: "IPC_VAR", message: "ipc_var_entry"},
	0x57004059: {name: "IRMAP_CACHE", message: "irmap_cache_entry"},
	0x57464056: {name: "ITIMERS", message: "itimer_entry"},
	0x48453499: {name: "MEMFD_INODE", message: "memfd_inode_entry"},
	0x57492820: {name: "MM", message: "mm_entry"},
	0x55563928: {name: "MNTS", message: "mnt_entry"},
	0x57373951: {name: "NETDEV", message: "net_device_entry"},
	0x58005614: {name: "NETLINK_SK", message: "netlink_sk_entry"},
	0x55933752: {name: "NETNS", message: "netns_entry"},
	0x61394011: {name: "NS_FILES", message: "ns_file_entry"},
	0x60454618: {name: "PACKETSK", message: "packet_sock_entry"},
	0x56084025: {name: "PAGEMAP", message: "pagemap_head", rest: "pagemap_entry"},
	0x54435556: {name: "PIDFD", message: "pidfd_entry"},
	0x61157326: {name: "PIDNS", message: "pidns_entry"},
	0x56513555: {name: "PIPES", message: "pipe_entry"},
	0x56453709: {name: "PIPES_DATA", message: "pipe_data_entry", payload: bytesOf("bytes")},
	0x52603957: {name: "POSIX_TIMERS", message: "posix_timer_entry"},
	0x50273030: {name: "PSTREE", message: "pstree_entry"},
	0x50363636: {name: "REG_FILES", message: "reg_file_entry"},
	0x59133954: {name: "REMAP_FPATH", message: "remap_file_path_entry"},
	0x57113925: {name: "RLIMIT", message: "rlimit_entry"},
	0x64413049: {name: "SECCOMP", message: "seccomp_entry"},
	0x55344201: {name: "SIGACT", message: "sa_entry"},
	0x59255647: {name: "SIGNAL", message: "siginfo_entry"},
	0x57323820: {name: "SIGNALFD", message: "signalfd_entry"},
	0x56264026: {name: "SK_QUEUES", message: "sk_packet_entry", payload: bytesOf("length")},
	0x57093306: {name: "STATS", message: "stats_entry"},
	0x51465506: {name: "TCP_STREAM", message: "tcp_stream_entry", payload: tcpQueues},
	0x43114433: {name: "TIMENS", message: "timens_entry"},
	0x50493712: {name: "TIMERFD", message: "timerfd_entry"},
	0x59413026: {name: "TTY_DATA", message: "tty_data_entry"},
	0x59433025: {name: "TTY_FILES", message: "tty_file_entry"},
	0x59453036: {name: "TTY_INFO", message: "tty_info_entry"},
	0x57143751: {name: "TUNFILE", message: "tunfile_entry"},
	0x54373943: {name: "UNIXSK", message: "unix_sk_entry"},
	0x55474906: {name: "USERNS", message: "userns_entry"},
	0x54473203: {name: "UTSNS", message: "utsns_entry"},
	0x54123737: {name: "VMAS", message: "vma_entry"},
}
