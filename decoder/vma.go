package decoder

// VMA is a contiguous mapping of a process with one set of attributes.
//
// Source: the vma_entry message in mm-<pid>.img.
type VMA struct {
	Range
	Prot   Prot
	Flags  MapFlags
	Status VMAStatus
	PgOff  int64         // offset of Start in File, in bytes (not pages)
	File   *File         // what is mapped; nil for anonymous memory and where files.img does not have it
	Shared *SharedMemory // the object that is mapped; nil for what is no shared memory
	// Writable tells of a shared mapping that it can be made writable: its
	// file is open for writing, or there is none.
	Writable bool
	Madv     uint64 // bitmap of madvise(2) advices: bit n is advice n
}

// Prot is a set of mmap(2)'s PROT_ bits.
type Prot uint32

// The protection bits of a mapping.
const (
	ProtRead  Prot = 1 << iota // PROT_READ
	ProtWrite                  // PROT_WRITE
	ProtExec                   // PROT_EXEC
)

// MapFlags is a set of mmap(2)'s MAP_ bits.
type MapFlags uint32

// The mapping flags that decide where bytes come from and how a mapping shows.
const (
	MapShared    MapFlags = 0x01    // MAP_SHARED
	MapPrivate   MapFlags = 0x02    // MAP_PRIVATE
	MapAnonymous MapFlags = 0x20    // MAP_ANONYMOUS
	MapGrowsDown MapFlags = 0x0100  // MAP_GROWSDOWN
	MapLocked    MapFlags = 0x2000  // MAP_LOCKED
	MapNoReserve MapFlags = 0x4000  // MAP_NORESERVE
	MapHugeTLB   MapFlags = 0x40000 // MAP_HUGETLB

	// MapHugeShift and MapHugeMask are where MAP_HUGETLB has the binary
	// logarithm of the page size; 0 stands for the default one.
	MapHugeShift = 26   // MAP_HUGE_SHIFT
	MapHugeMask  = 0x3f // MAP_HUGE_MASK
)

// VMAStatus is CRIU's own classification of a mapping, as opposed to Prot and
// MapFlags, which are the kernel's.
//
// Source: criu/include/image.h, the VMA_ constants.
type VMAStatus uint32

// The bits of VMAStatus.
const (
	StatusRegular     VMAStatus = 1 << 0  // VMA_AREA_REGULAR: dumped by content
	StatusStack       VMAStatus = 1 << 1  // VMA_AREA_STACK
	StatusVsyscall    VMAStatus = 1 << 2  // VMA_AREA_VSYSCALL
	StatusVDSO        VMAStatus = 1 << 3  // VMA_AREA_VDSO
	StatusHeap        VMAStatus = 1 << 5  // VMA_AREA_HEAP
	StatusFilePrivate VMAStatus = 1 << 6  // VMA_FILE_PRIVATE
	StatusFileShared  VMAStatus = 1 << 7  // VMA_FILE_SHARED
	StatusAnonShared  VMAStatus = 1 << 8  // VMA_ANON_SHARED
	StatusAnonPrivate VMAStatus = 1 << 9  // VMA_ANON_PRIVATE
	StatusSysVIPC     VMAStatus = 1 << 10 // VMA_AREA_SYSVIPC
	StatusSocket      VMAStatus = 1 << 11 // VMA_AREA_SOCKET
	StatusVVAR        VMAStatus = 1 << 12 // VMA_AREA_VVAR
	StatusAIORing     VMAStatus = 1 << 13 // VMA_AREA_AIORING
	StatusMemfd       VMAStatus = 1 << 14 // VMA_AREA_MEMFD
	StatusShadowStack VMAStatus = 1 << 15 // VMA_AREA_SHSTK
	StatusGuard       VMAStatus = 1 << 16 // VMA_AREA_GUARD: not a mapping, a range of guard pages inside one
	StatusUprobes     VMAStatus = 1 << 17 // VMA_AREA_UPROBES
)

// Has tells whether all bits of want are set.
func (s VMAStatus) Has(want VMAStatus) bool { return s&want == want }

// Any tells whether at least one bit of want is set.
func (s VMAStatus) Any(want VMAStatus) bool { return s&want != 0 }

// Private tells whether the process has copies of its own of the pages it
// wrote to (MAP_PRIVATE).
func (v *VMA) Private() bool { return v.Flags&MapShared == 0 }
