// Package coredump makes ELF core files of checkpointed processes, for gdb,
// lldb, elfutils and delve. A core comes into being as it is read: it is never
// held or written as a whole, so one of many gigabytes opens at once.
//
// The layout is that of the kernel's own core files:
//
//	       +----------------------+ 0
//	       | ELF header           |  64 bytes; 52 for a 32-bit process
//	       | program headers      |  56 or 32 bytes each: PT_NOTE, then a PT_LOAD for each part
//	head   | notes                |  threads, registers, auxv, mapped files
//	       | zeros                |  up to the next page
//	       +----------------------+ a multiple of the page size
//	parts  | memory               |  the parts, ascending and without gaps
//	       +----------------------+
//	tail   | section header       |  only with 65,535 program headers or more (PN_XNUM)
//	       +----------------------+
//
// The head is encoded when it is first read. A part is a range of the address
// space and the offset at which it stands in the file, so reading memory is a
// binary search and a read of the address space at the address found.
//
// # What is in the parts
//
// A part is a maximal range of one VMA whose bytes are known: stored in the
// checkpoint, or zero because they were never touched. Zeros are holes, and
// cost nothing but offsets. What the checkpoint does not have (clean pages of
// executables and libraries, guard pages) has no program header at all:
//
//	VMA      |    heap     |      libc.so       |
//	pages    | D D z z z D | . . . D D . . .    |   D data  z zero  . absent
//	parts    +-----(1)-----+      +(2)+
//
// That is the only form that all debuggers understand. Zeros in place of
// absent bytes are a lie that ends every backtrace, since gdb then reads the
// program headers of the executable as zeros; so is a PT_LOAD with p_filesz 0,
// as the kernel writes it, which gdb 13 reads as zeros where it does not find
// the mapped file. Of a gap gdb says "Cannot access memory", or reads the
// mapped file itself. For that reason p_filesz and p_memsz are always equal.
//
// VMAs are never merged: gdb finds the vDSO by a PT_LOAD that begins at
// AT_SYSINFO_EHDR.
//
// # 32-bit processes
//
// A 32-bit process under a 64-bit kernel (compat) has a core file of the
// class ELFCLASS32, for EM_386, as the kernel makes it. The layout is the
// same in smaller words, so the file must end below 4 GiB.
//
// # What differs from the kernel's core
//
//   - There is no signal: the process did not die. si_signo and pr_cursig
//     are 0.
//   - Times (pr_utime and the rest) are 0, and so is what else CRIU does not
//     save: AMX tiles, SVE registers, I/O permissions.
//   - NT_X86_XSTATE has Intel's layout on every processor, with the features
//     that CRIU saved.
//   - Registers are those of the checkpoint. Where a system call was to be
//     restarted, CRIU has wound the instruction pointer back to it.
//   - Memory that madvise(MADV_DONTDUMP) keeps out of cores is included.
//   - Pages of mapped files that the process did not change are absent.
package coredump
