package coredump

import "errors"

// ErrNoMemory is the error of a process without an address space: it is dead,
// or its mm image is unusable.
var ErrNoMemory = errors.New("no core file: the process has no memory")

// UnsupportedError is the error of a process of which no core file can be
// made, though it has memory.
type UnsupportedError struct{ Reason string }

func (e *UnsupportedError) Error() string { return "no core file: " + e.Reason }
