package coredump

// Types of entries of the auxiliary vector, from getauxval(3).
const (
	atNull  = 0  // AT_NULL, the last one
	atHWCap = 16 // AT_HWCAP
)

// appendAUXV appends the descriptor of NT_AUXV: pairs of u64, type and value,
// up to the first of type AT_NULL. CRIU's images for x86-64 lack that one,
// those for aarch64 have it.
//
// Source: fs/binfmt_elf.c:fill_auxv_note.
func appendAUXV(b []byte, auxv []uint64) []byte {
	for i := 0; i+1 < len(auxv) && auxv[i] != atNull; i += 2 {
		b = appendLE(b, auxv[i:i+2])
	}
	return appendLE(b, [2]uint64{atNull, 0})
}
