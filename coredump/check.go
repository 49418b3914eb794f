package coredump

import "github.com/ckptfs/ckptfs/decoder"

// Check tells whether a core file can be made of p, without looking at its
// memory. The error is that of [New].
func Check(p *decoder.Process) error {
	if p.MM == nil {
		return ErrNoMemory
	}
	_, err := threadsOf(p)
	return err
}
