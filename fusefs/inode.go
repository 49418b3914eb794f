package fusefs

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/hanwen/go-fuse/v2/fs"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

const rootInode = 1

// identity is by what go-fuse tells nodes apart: two with one identity are
// one file to the kernel. It comes from the path in the mount, or from the
// one that the node names in its place, so that hard links share it and every
// mount of an archive has the same inode numbers.
//
//	SHA-256(path)  bits 0-52    inode number
//	               bits 64-127  generation
//
// Numbers stay below 2^53, for JSON tools cannot hold larger ones. Whoever
// makes an archive can find two names that collide in 53 bits, but not in the
// 117 that make up the identity.
//
// What belongs to a session has a generation of its own, so that nothing of
// another that once stood there is taken for it, by go-fuse or in the page
// cache.
func identity(n tree.Node, name string, in *session) fs.StableAttr {
	if p := strings.Trim(n.Attr().InodePath, "/"); p != "" {
		name = in.join(p)
	}
	ino, gen := numbers(name)
	if own := n.Attr().Ino; own > rootInode {
		ino = own // with the generation still one of its own
	}
	if s, ok := n.(tree.Session); ok {
		gen ^= s.Version()
	} else {
		gen ^= in.generation()
	}
	return fs.StableAttr{Mode: typeOf(n), Ino: ino, Gen: gen}
}

func numbers(name string) (ino, gen uint64) {
	if name == "" {
		return rootInode, 0
	}
	sum := sha256.Sum256([]byte(name))
	ino = binary.BigEndian.Uint64(sum[:8]) >> (64 - 53)
	gen = binary.BigEndian.Uint64(sum[8:16])
	if ino <= rootInode { // 0 is no inode to readdir(3)
		ino = rootInode + 1
	}
	return ino, gen
}
