// Package fusefs serves a tree (package tree) as a read-only FUSE file
// system. It knows nothing of checkpoints.
//
// # What the kernel keeps
//
// A tree never changes, so the kernel may keep all it has been told: names,
// attributes and link texts for an hour, file contents as long as it has
// memory. A second read of a file costs this process nothing. What follows:
//
//   - A reply that is shorter than asked tells the kernel where the file ends,
//     for good. [handle] replies in full or with an error.
//
//   - An error in one of its readahead windows of up to 1 MiB makes the kernel
//     ask again page by page, so the bytes around a bad page can still be read.
//
//   - A [tree.Volatile] file is read past the page cache, from a snapshot that
//     its handle holds; the kernel asks for its attributes every time.
//
//   - A [tree.Memory] is read past the page cache too, for its offsets are
//     addresses; there a short reply does no harm.
//
//   - A [tree.Live] directory is listed anew each time, and its names are looked
//     up whenever a path leads through it.
//
//   - Below a [tree.Session] all is kept as usual. [Server.LetGo] makes the
//     kernel forget what of it is not in use. When it knows nothing of it any
//     more, the session is closed; who comes later gets another one, whose
//     nodes are others to the kernel, though their inode numbers are the same.
//
// # Who may do what
//
// The mount belongs to the user who made it, and the kernel keeps all others
// out unless [Options].AllowOther is set; permission bits in the tree are
// evidence and are not enforced. Writing fails with "Read-only file system",
// for root too: the kernel sees to that.
//
// # Limits
//
// FUSE offsets are signed: what lies at addresses above 2^63, the vsyscall
// page, cannot be read through a [tree.Memory]. Names longer than
// [tree.MaxName] are left out of listings, for the kernel would refuse the
// whole listing. A panic in the tree becomes EIO for that request, with a
// stack trace on standard error; go-fuse does that.
//
// The process that serves a mount must not read files in it.
package fusefs
