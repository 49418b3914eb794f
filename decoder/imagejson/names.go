package imagejson

// flag is a bit and its name.
type flag struct {
	name string
	bit  uint64
}

// flagNames are the names of bits by the option "flags" of a field.
//
// Source: mmap(2), open(2), fcntl(2), memfd_create(2); criu/include/image.h,
// the VMA_ constants; criu/include/pagemap.h, the PE_ constants.
var flagNames = map[string][]flag{
	"mmap.prot": {{"PROT_READ", 1 << 0}, {"PROT_WRITE", 1 << 1}, {"PROT_EXEC", 1 << 2}},
	"mmap.flags": {
		{"MAP_SHARED", 1 << 0}, {"MAP_PRIVATE", 1 << 1}, {"MAP_DROPPABLE", 1 << 3}, {"MAP_ANON", 1 << 5}, {"MAP_GROWSDOWN", 1 << 8},
	},
	"mmap.status": {
		{"VMA_AREA_REGULAR", 1 << 0},
		{"VMA_AREA_STACK", 1 << 1},
		{"VMA_AREA_VSYSCALL", 1 << 2},
		{"VMA_AREA_VDSO", 1 << 3},
		{"VMA_AREA_HEAP", 1 << 5},
		{"VMA_FILE_PRIVATE", 1 << 6},
		{"VMA_FILE_SHARED", 1 << 7},
		{"VMA_ANON_SHARED", 1 << 8},
		{"VMA_ANON_PRIVATE", 1 << 9},
		{"VMA_AREA_SYSVIPC", 1 << 10},
		{"VMA_AREA_SOCKET", 1 << 11},
		{"VMA_AREA_VVAR", 1 << 12},
		{"VMA_AREA_AIORING", 1 << 13},
		{"VMA_AREA_MEMFD", 1 << 14},
		{"VMA_AREA_SHSTK", 1 << 15},
		{"VMA_AREA_UPROBES", 1 << 17},
		{"VMA_UNSUPP", 1 << 31},
	},
	"rfile.flags": {
		{"O_WRONLY", 0o1},
		{"O_RDWR", 0o2},
		{"O_CREAT", 0o100},
		{"O_EXCL", 0o200},
		{"O_NOCTTY", 0o400},
		{"O_TRUNC", 0o1000},
		{"O_APPEND", 0o2000},
		{"O_NONBLOCK", 0o4000},
		{"O_DSYNC", 0o10000},
		{"FASYNC", 0o20000},
		{"O_DIRECT", 0o40000},
		{"O_LARGEFILE", 0o100000},
		{"O_DIRECTORY", 0o200000},
		{"O_NOFOLLOW", 0o400000},
		{"O_NOATIME", 0o1000000},
		{"O_CLOEXEC", 0o2000000},
	},
	"seals.flags": {
		{"F_SEAL_SEAL", 1 << 0}, {"F_SEAL_SHRINK", 1 << 1}, {"F_SEAL_GROW", 1 << 2}, {"F_SEAL_WRITE", 1 << 3}, {"F_SEAL_FUTURE_WRITE", 1 << 4},
	},
	"pmap.flags": {{"PE_PARENT", 1 << 0}, {"PE_LAZY", 1 << 1}, {"PE_PRESENT", 1 << 2}},
}

// dictionaries are the names of values by the option "dict" of a field and the
// field's name.
//
// Source: socket(2), in(7), include/net/tcp_states.h;
// compel/include/uapi/task-state.h.
var dictionaries = map[string]map[string]map[uint64]string{
	"gen": {
		"task_state": {1: "Alive", 2: "Dead", 3: "Stopped", 6: "Zombie"},
	},
	"sk": {
		"family": {1: "UNIX", 2: "INET", 10: "INET6", 16: "NETLINK", 17: "PACKET"},
		"type":   {1: "STREAM", 2: "DGRAM", 3: "RAW", 5: "SEQPACKET", 10: "PACKET"},
		"state": {
			1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
			7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN",
		},
		"proto": {0: "IP", 6: "TCP", 17: "UDP", 136: "UDPLITE"},
	},
}
