package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLinks is how many symbolic links the kernel follows in one path:
// path_resolution(7).
const maxLinks = 40

// FS is the tree as an [fs.FS]. Open follows symbolic links; one that is
// absolute or leads out of root does not exist. Names that are not UTF-8 are
// left out, because io/fs knows no way to say them.
//
// The result implements [fs.ReadLinkFS]. The Sys method of its FileInfo
// returns the [Node], a file opened implements [io.ReaderAt] and [io.Seeker].
func FS(root Dir) fs.FS { return treeFS{root} }

type treeFS struct{ root Dir }

func (f treeFS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name, true)
	if err != nil {
		return nil, err
	}
	file, err := open(path.Base(name), n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file, nil
}

func (f treeFS) Lstat(name string) (fs.FileInfo, error) {
	n, err := f.find("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), n}, nil
}

func (f treeFS) ReadLink(name string) (string, error) {
	n, err := f.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	link, ok := n.(Symlink)
	if !ok {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return link.Target(), nil
}

func (f treeFS) find(op, name string, follow bool) (Node, error) {
	err := fs.ErrInvalid
	if fs.ValidPath(name) {
		var n Node
		if n, err = f.walk(name, follow); err == nil {
			return n, nil
		}
	}
	if errors.Is(err, ErrNotExist) {
		err = fs.ErrNotExist
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: err}
}

// walk finds the node of a path. Follow tells whether a symbolic link at its
// end is followed; those on the way always are.
func (f treeFS) walk(name string, follow bool) (Node, error) {
	dirs := []Dir{f.root} // those entered and not left again
	todo := strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		step := todo[0]
		todo = todo[1:]
		switch step {
		case "", ".":
			continue
		case "..":
			if len(dirs) == 1 {
				return nil, ErrNotExist
			}
			dirs = dirs[:len(dirs)-1]
			continue
		}
		n, err := dirs[len(dirs)-1].Lookup(step)
		if err != nil {
			return nil, err
		}
		switch n := n.(type) {
		case Dir:
			dirs = append(dirs, n)
			continue
		case Symlink:
			if len(todo) > 0 || follow {
				if links++; links > maxLinks || strings.HasPrefix(n.Target(), "/") {
					return nil, ErrNotExist
				}
				todo = slices.Concat(strings.Split(n.Target(), "/"), todo)
				continue
			}
		}
		if len(todo) > 0 {
			return nil, fmt.Errorf("%s: not a directory: %w", step, ErrNotExist)
		}
		return n, nil
	}
	return dirs[len(dirs)-1], nil
}

// expressible tells whether io/fs can say the name.
func expressible(name string) bool { return utf8.ValidString(name) }
