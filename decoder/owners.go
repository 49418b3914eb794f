package decoder

import "iter"

// owners finds out who held the objects: the processes, and messages on their
// way.
func (o *objects) owners(processes []*Process) {
	held := make(map[objectKey][]Owner)
	left := maxOwners
	hold := func(f *File, owner Owner) bool {
		keys := []objectKey{f.objectKey()}
		if at := o.loader.files[f.path]; f.path != 0 && at != nil {
			keys = append(keys, at.objectKey()) // beside a FIFO's bytes the FIFO itself
		}
		for _, key := range keys {
			if o.byKey[key] != nil {
				held[key] = append(held[key], owner)
				left--
			}
		}
		return left > 0
	}
	for f, owner := range holders(processes) {
		if !hold(f, owner) {
			o.warn.Addf("more than %d ways in which processes hold deleted files, queues and the like: the rest is left out", maxOwners)
			break
		}
	}
	for _, obj := range o.list {
		for _, f := range obj.Rights {
			if left > 0 {
				hold(f, Owner{Via: ViaMessage, N: obj.ID})
			}
		}
	}
	for key, list := range o.byKey {
		for _, obj := range list {
			obj.Owners = held[key]
		}
	}
}

// holders yields what processes had open and mapped. Of the mappings of a file
// it is the first that a process has.
func holders(processes []*Process) iter.Seq2[*File, Owner] {
	return func(yield func(*File, Owner) bool) {
		for _, p := range processes {
			ok := true
			give := func(f *File, via Via, n uint64) {
				ok = ok && (f == nil || yield(f, Owner{p.PID, via, n}))
			}
			if p.MM != nil {
				give(p.MM.Exe, ViaExe, 0)
			}
			if p.FS != nil {
				give(p.FS.CWD, ViaCWD, 0)
				give(p.FS.Root, ViaRoot, 0)
			}
			for _, d := range p.Descriptors {
				give(d.File, ViaDescriptor, uint64(d.FD))
			}
			seen := make(map[objectKey]bool)
			for _, v := range mappings([]*Process{p}) {
				if v.File != nil && !seen[v.File.objectKey()] {
					seen[v.File.objectKey()] = true
					give(v.File, ViaMapping, uint64(v.Start))
				}
			}
			if !ok {
				return
			}
		}
	}
}

// mappings yields the mappings of all processes.
func mappings(processes []*Process) iter.Seq2[*Process, *VMA] {
	return func(yield func(*Process, *VMA) bool) {
		for _, p := range processes {
			if p.MM == nil {
				continue
			}
			for _, v := range p.MM.VMAs {
				if !yield(p, v) {
					return
				}
			}
		}
	}
}
