package tree

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// fileType is a node's type in the terms of io/fs.
func fileType(n Node) fs.FileMode {
	switch n := n.(type) {
	case Dir:
		return fs.ModeDir
	case Symlink:
		return fs.ModeSymlink
	case Special:
		switch mode, _, _ := n.Special(); mode & unix.S_IFMT {
		case unix.S_IFIFO:
			return fs.ModeNamedPipe
		case unix.S_IFSOCK:
			return fs.ModeSocket
		case unix.S_IFCHR:
			return fs.ModeDevice | fs.ModeCharDevice
		case unix.S_IFBLK:
			return fs.ModeDevice
		}
		return fs.ModeIrregular
	}
	return 0
}
