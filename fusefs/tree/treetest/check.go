// Package treetest checks that a tree keeps the promises of package tree.
package treetest

import (
	"errors"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// An Option changes what [Check] demands.
type Option func(*checker)

// RawLinks allows symbolic links to lead anywhere, as -o links=raw does.
func RawLinks(c *checker) { c.rawLinks = true }

// At says where in the mount the tree checked will stand, such as "procs", so
// that its links may lead to what stands beside it.
func At(dir string) Option {
	return func(c *checker) { c.at = dir }
}

// Check walks the whole of root and reports each breach of the contract of
// package tree: names that a directory cannot have, entries that Lookup does
// not find or finds differently, symbolic links that leave the mount,
// contents whose ReadAt, Size and extents disagree. Files of more than 1 MiB
// are read in samples.
func Check(t testing.TB, root tree.Dir, options ...Option) {
	t.Helper()
	c := checker{TB: t}
	for _, o := range options {
		o(&c)
	}
	c.dir(path.Clean("/"+c.at), root)
}

type checker struct {
	testing.TB
	rawLinks bool
	at       string
}

// node checks the node at the absolute path name.
func (c *checker) node(name string, n tree.Node) {
	c.Helper()
	if p := n.Attr().Perm; p&^0o7777 != 0 {
		c.Errorf("%s: Perm = %#o, has bits above 07777", name, p)
	}
	switch n := n.(type) {
	case tree.Dir:
		c.dir(name, n)
	case tree.File:
		c.file(name, n)
	case tree.Symlink:
		c.link(name, n.Target())
	case tree.Special:
	default:
		c.Errorf("%s: a %T is no Dir, File, Symlink or Special", name, n)
	}
}

func (c *checker) dir(name string, d tree.Dir) {
	c.Helper()
	entries, err := d.Entries()
	if err != nil {
		c.Errorf("%s: Entries: %v", name, err)
		return
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		child := path.Join(name, e.Name)
		if !tree.LegalName(e.Name) {
			c.Errorf("%s: illegal name %q", name, e.Name)
			continue
		}
		if seen[e.Name] {
			c.Errorf("%s: %q is there twice", name, e.Name)
			continue
		}
		seen[e.Name] = true
		found, err := d.Lookup(e.Name)
		if err != nil {
			c.Errorf("%s: Lookup: %v", child, err)
		} else if !alike(found, e.Node) {
			c.Errorf("%s: Lookup finds another node than Entries lists", child)
		}
		c.node(child, e.Node)
	}
	const missing = "no entry has this name\n"
	if _, err := d.Lookup(missing); !errors.Is(err, tree.ErrNotExist) {
		c.Errorf("%s: Lookup(%q) = %v, want ErrNotExist", name, missing, err)
	}
}

// alike compares what can be compared of two nodes: a directory may make its
// nodes anew at each call.
func alike(a, b tree.Node) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.DeepEqual(a.Attr(), b.Attr())
}

func (c *checker) link(name, target string) {
	c.Helper()
	switch {
	case target == "":
		c.Errorf("%s: empty target", name)
	case c.rawLinks:
	case strings.HasPrefix(target, "/"):
		c.Errorf("%s: target %q is absolute", name, target)
	case leaves(path.Dir(name), target):
		c.Errorf("%s: target %q leaves the mount", name, target)
	}
}

// leaves tells whether a relative target goes above the root when it is
// followed from the absolute directory dir, taking no heed of further links.
func leaves(dir, target string) bool {
	depth := strings.Count(strings.TrimSuffix(dir, "/"), "/")
	for step := range strings.SplitSeq(target, "/") {
		switch step {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}
