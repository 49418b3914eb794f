package coredump

import "github.com/ckptfs/ckptfs/decoder"

// Threads lists the threads that the core file of p has, in its order, by
// which debuggers number them from 1. The error is that of [New].
func Threads(p *decoder.Process) ([]*decoder.Thread, error) {
	threads, err := threadsOf(p)
	list := make([]*decoder.Thread, 0, len(threads))
	for _, t := range threads {
		list = append(list, t.Thread)
	}
	return list, err
}

// Check tells whether a core file can be made of p, without looking at its
// memory. The error is that of [New].
func Check(p *decoder.Process) error {
	if p.MM == nil {
		return ErrNoMemory
	}
	_, err := threadsOf(p)
	return err
}
