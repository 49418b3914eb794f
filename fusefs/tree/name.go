package tree

import "strings"

// MaxName is the length of the longest name a directory may have, in bytes.
// It is the kernel's: fs/fuse/fuse_i.h:FUSE_NAME_LOW_MAX. On a longer one it
// fails the listing of the whole directory.
const MaxName = 1024

// LegalName tells whether a directory may have an entry of this name.
func LegalName(name string) bool {
	return name != "" && name != "." && name != ".." &&
		len(name) <= MaxName && !strings.ContainsAny(name, "/\x00")
}
