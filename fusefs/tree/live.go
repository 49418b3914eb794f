package tree

import "errors"

// Live marks a [Dir] whose entries come and go while the tree is in use, and
// may be others under the same name. It is listed and looked up anew each
// time, and nothing that was found in it is taken for granted later.
type Live interface {
	Dir
	Live()
}

// Session is a [Dir], found in a [Live] one, that opens what is below it when
// it is first entered, and can be closed again. Each time it is looked up
// another one is made; one that is never entered holds nothing.
//
// All that is below belongs to the session. It must be closed only when none
// of that is in use; what comes nevertheless gets an error, never the bytes
// of something else.
type Session interface {
	Dir
	// Version tells apart what stood under one name at different times:
	// sessions that differ in it show different things.
	Version() uint64
	// Use notes that something below is in use. The error is [ErrStale] if
	// the session has been closed.
	Use() error
	// Close frees what was opened.
	Close() error
}

// ErrStale is the error of what belongs to a [Session] that has been closed:
// what is looked up anew may be there.
var ErrStale = errors.New("no longer open")
