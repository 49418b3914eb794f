package coredump

// Types of entries of the auxiliary vector, from getauxval(3).
const (
	atNull  = 0  // AT_NULL, the last one
	atHWCap = 16 // AT_HWCAP
)

// appendAUXV appends the descriptor of NT_AUXV: pairs of words, type and
// value, up to the first of type AT_NULL. CRIU's images for x86-64 lack that
// one, those for aarch64 have it.
//
// auxv is as saved: a pair in each two words, or in each for a 32-bit
// process.
//
// Source: fs/binfmt_elf.c:fill_auxv_note.
func appendAUXV(b []byte, c class, auxv []uint64) []byte {
	if c == class32 {
		auxv = halves(auxv)
	}
	for i := 0; i+1 < len(auxv) && auxv[i] != atNull; i += 2 {
		b = c.appendWords(b, auxv[i:i+2]...)
	}
	return c.appendWords(b, atNull, 0)
}

// halves splits words in two, the low half first.
func halves(words []uint64) []uint64 {
	h := make([]uint64, 0, 2*len(words))
	for _, w := range words {
		h = append(h, w&0xffffffff, w>>32)
	}
	return h
}
