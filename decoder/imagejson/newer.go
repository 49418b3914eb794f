package imagejson

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/opts"
)

const (
	boolean = protoreflect.BoolKind
	i32     = protoreflect.Int32Kind
	u32     = protoreflect.Uint32Kind
	u64     = protoreflect.Uint64Kind
	str     = protoreflect.StringKind
	msg     = protoreflect.MessageKind
)

var asHex = &opts.CRIU_Opts{Hex: proto.Bool(true)}

// newerFields are the fields of CRIU 4.2 that go-criu v7.2.0 does not have, or
// has by another name, by message type and number.
//
// Source: the .proto files in criu/images.
var newerFields = map[string]map[protowire.Number]*field{
	"core_entry": {
		12: {name: "ti_loongarch64", kind: msg, of: "thread_info_loongarch64"},
		13: {name: "ti_riscv64", kind: msg, of: "thread_info_riscv64"},
	},
	"creds_entry": {
		18: {name: "no_new_privs", kind: u32},
		19: {name: "cap_amb", kind: u32, repeated: true},
	},
	"file_entry": {
		22: {name: "pidfd", kind: msg, of: "pidfd_entry"},
	},
	"inet_sk_entry": {
		20: {name: "tcp_opts", kind: msg, of: "tcp_opts_entry"},
	},
	"inventory_entry": {
		12: {name: "plugins_entry", kind: msg, of: "plugins_entry"},
		13: {name: "dump_criu_run_id", kind: str},
		14: {name: "allow_uprobes", kind: boolean},
	},
	"ip_opts_entry": {
		6: {name: "tos", kind: u32},
		7: {name: "ttl", kind: u32},
	},
	"memfd_inode_entry": {
		9: {name: "mode", kind: u32},
	},
	"netns_entry": {
		10: {name: "ipv4_sysctl", kind: msg, repeated: true, of: "sysctl_entry"},
	},
	"pac_address_keys": {
		1: {name: "apiakey_lo", kind: u64}, 2: {name: "apiakey_hi", kind: u64},
		3: {name: "apibkey_lo", kind: u64}, 4: {name: "apibkey_hi", kind: u64},
		5: {name: "apdakey_lo", kind: u64}, 6: {name: "apdakey_hi", kind: u64},
		7: {name: "apdbkey_lo", kind: u64}, 8: {name: "apdbkey_hi", kind: u64},
		9: {name: "pac_enabled_key", kind: u64},
	},
	"pac_generic_keys": {
		1: {name: "apgakey_lo", kind: u64},
		2: {name: "apgakey_hi", kind: u64},
	},
	"pac_keys": {
		6: {name: "pac_address_keys", kind: msg, of: "pac_address_keys"},
		7: {name: "pac_generic_keys", kind: msg, of: "pac_generic_keys"},
	},
	"pagemap_entry": {
		2: {name: "compat_nr_pages", kind: u32},
		5: {name: "nr_pages", kind: u64},
	},
	"pidfd_entry": {
		1: {name: "id", kind: u32},
		2: {name: "ino", kind: u32},
		3: {name: "flags", kind: u32},
		4: {name: "nspid", kind: i32},
		5: {name: "fown", kind: msg, of: "fown_entry"},
	},
	"plugins_entry": {
		12: {name: "plugins", kind: str, repeated: true},
	},
	"task_core_entry": {
		22: {name: "membarrier_registration_mask", kind: u32, opts: asHex},
	},
	"tcp_opts_entry": {
		1: {name: "cork", kind: boolean},
		2: {name: "nodelay", kind: boolean},
		3: {name: "keepcnt", kind: u32},
		4: {name: "keepidle", kind: u32},
		5: {name: "keepintvl", kind: u32},
	},
	"thread_info_aarch64": {
		5: {name: "pac_keys", kind: msg, of: "pac_keys"},
	},
	"thread_info_loongarch64": {
		1: {name: "clear_tid_addr", kind: u64, opts: asHex},
		2: {name: "tls", kind: u64},
		3: {name: "gpregs", kind: msg, of: "user_loongarch64_gpregs_entry", opts: asHex},
		4: {name: "fpregs", kind: msg, of: "user_loongarch64_fpregs_entry", opts: asHex},
	},
	"thread_info_riscv64": {
		1: {name: "clear_tid_addr", kind: u64, opts: asHex},
		2: {name: "tls", kind: u64},
		3: {name: "gpregs", kind: msg, of: "user_riscv64_regs_entry", opts: asHex},
		4: {name: "fpsimd", kind: msg, of: "user_riscv64_d_ext_entry"},
	},
	"user_loongarch64_fpregs_entry": {
		1: {name: "regs", kind: u64, repeated: true},
		2: {name: "fcc", kind: u64},
		3: {name: "fcsr", kind: u32},
	},
	"user_loongarch64_gpregs_entry": {
		1: {name: "regs", kind: u64, repeated: true},
		2: {name: "pc", kind: u64},
	},
	"user_riscv64_d_ext_entry": {
		1: {name: "f", kind: u64, repeated: true},
		2: {name: "fcsr", kind: u32},
	},
	"user_riscv64_regs_entry": {
		1: {name: "pc", kind: u64}, 2: {name: "ra", kind: u64}, 3: {name: "sp", kind: u64}, 4: {name: "gp", kind: u64},
		5: {name: "tp", kind: u64}, 6: {name: "t0", kind: u64}, 7: {name: "t1", kind: u64}, 8: {name: "t2", kind: u64},
		9: {name: "s0", kind: u64}, 10: {name: "s1", kind: u64}, 11: {name: "a0", kind: u64}, 12: {name: "a1", kind: u64},
		13: {name: "a2", kind: u64}, 14: {name: "a3", kind: u64}, 15: {name: "a4", kind: u64}, 16: {name: "a5", kind: u64},
		17: {name: "a6", kind: u64}, 18: {name: "a7", kind: u64}, 19: {name: "s2", kind: u64}, 20: {name: "s3", kind: u64},
		21: {name: "s4", kind: u64}, 22: {name: "s5", kind: u64}, 23: {name: "s6", kind: u64}, 24: {name: "s7", kind: u64},
		25: {name: "s8", kind: u64}, 26: {name: "s9", kind: u64}, 27: {name: "s10", kind: u64}, 28: {name: "s11", kind: u64},
		29: {name: "t3", kind: u64}, 30: {name: "t4", kind: u64}, 31: {name: "t5", kind: u64}, 32: {name: "t6", kind: u64},
	},
	"user_x86_cet_entry": {
		1: {name: "cet", kind: u64, opts: asHex},
		2: {name: "ssp", kind: u64, opts: asHex},
	},
	"user_x86_xsave_entry": {
		9: {name: "cet", kind: msg, of: "user_x86_cet_entry"},
	},
}

// newerValues are the same of enums.
var newerValues = map[string]map[int32]string{
	"core_entry.march": {7: "LOONGARCH64", 8: "RISCV64"},
	"fd_types":         {20: "PIDFD"},
}
