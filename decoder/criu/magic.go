package criu

import "fmt"

// Magic is the type mark of an image.
type Magic uint32

// The magics that stand before an image's own, and those of the images that
// are decoded.
//
// Source: criu/include/magic.h.
const (
	MagicCommon  Magic = 0x54564319 // IMG_COMMON_MAGIC
	MagicService Magic = 0x55105940 // IMG_SERVICE_MAGIC: stats-*, irmap-cache

	MagicCgroup      Magic = 0x59383330 // CGROUP_MAGIC
	MagicCore        Magic = 0x55053847 // CORE_MAGIC
	MagicFdinfo      Magic = 0x56213732 // FDINFO_MAGIC
	MagicFIFOData    Magic = 0x59333054 // FIFO_DATA_MAGIC
	MagicFileLocks   Magic = 0x54323616 // FILE_LOCKS_MAGIC
	MagicFiles       Magic = 0x56303138 // FILES_MAGIC
	MagicFS          Magic = 0x51403912 // FS_MAGIC
	MagicGhostFile   Magic = 0x52583605 // GHOST_FILE_MAGIC
	MagicIDs         Magic = 0x54432030 // IDS_MAGIC
	MagicInventory   Magic = 0x58313116 // INVENTORY_MAGIC
	MagicIPCNSMsg    Magic = 0x55453737 // IPCNS_MSG_MAGIC
	MagicIPCNSSem    Magic = 0x59573019 // IPCNS_SEM_MAGIC
	MagicIPCNSShm    Magic = 0x46283044 // IPCNS_SHM_MAGIC
	MagicIPCVar      Magic = 0x53115007 // IPCNS_VAR_MAGIC
	MagicMemfdInode  Magic = 0x48453499 // MEMFD_INODE_MAGIC
	MagicMM          Magic = 0x57492820 // MM_MAGIC
	MagicMountpoints Magic = 0x55563928 // MNTS_MAGIC
	MagicNetdev      Magic = 0x57373951 // NETDEV_MAGIC
	MagicPagemap     Magic = 0x56084025 // PAGEMAP_MAGIC
	MagicPipesData   Magic = 0x56453709 // PIPES_DATA_MAGIC
	MagicPstree      Magic = 0x50273030 // PSTREE_MAGIC
	MagicRegFiles    Magic = 0x50363636 // REG_FILES_MAGIC
	MagicRemapFpath  Magic = 0x59133954 // REMAP_FPATH_MAGIC
	MagicSeccomp     Magic = 0x64413049 // SECCOMP_MAGIC
	MagicSigacts     Magic = 0x55344201 // SIGACT_MAGIC
	MagicSkQueues    Magic = 0x56264026 // SK_QUEUES_MAGIC
	MagicStats       Magic = 0x57093306 // STATS_MAGIC
	MagicTCPStream   Magic = 0x51465506 // TCP_STREAM_MAGIC
	MagicTimens      Magic = 0x43114433 // TIMENS_MAGIC
	MagicTTYData     Magic = 0x59413026 // TTY_DATA_MAGIC
	MagicTTYInfo     Magic = 0x59453036 // TTY_INFO_MAGIC
	MagicUserNS      Magic = 0x55474906 // USERNS_MAGIC
	MagicUTSNS       Magic = 0x54473203 // UTSNS_MAGIC
)

// String gives m in hexadecimal, as magic.h has it.
func (m Magic) String() string { return fmt.Sprintf("%#08x", uint32(m)) }
