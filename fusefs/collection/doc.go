// Package collection makes one tree of many checkpoints: a folder of archives,
// such as /var/lib/kubelet/checkpoints, becomes a folder with a checkpoint's
// tree for each.
//
// Listing and stat cost what the folder itself costs. An archive is opened
// when somebody enters its folder, and closed when nobody uses it any more;
// see [Dir.Tend].
//
// # Replaced, removed, growing
//
// Which file stands under a name is looked up each time somebody comes by. A
// file that was replaced, or that grew, is another archive: what was opened of
// the one before stays as it was for whoever is still in it.
//
// A file that is open for writing is not opened: what is being copied or
// dumped is not yet a checkpoint.
//
// Instead of an archive that cannot be opened its folder has a file, error,
// that says why.
package collection
