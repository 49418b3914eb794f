package layout

import (
	"sync"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// contents are those that files of several processes have alike, by what they
// are of: each is rendered once, however many processes a hostile archive has.
type contents struct {
	mu    sync.Mutex
	files map[any]tree.File
}

// alike is a file of the process whose content is that of all files of the
// same key. Which that is is asked when the file is opened; file makes the first.
func (p *process) alike(key func() any, file func() tree.File) tree.File {
	return &alikeFile{p.attr, sync.OnceValue(func() tree.File { return p.contents.of(key(), file) })}
}

// alikeFile has the content of another file.
type alikeFile struct {
	attr tree.Attr
	file func() tree.File
}

func (f *alikeFile) Attr() tree.Attr                { return f.attr }
func (f *alikeFile) Content() (tree.Content, error) { return f.file().Content() }

func (c *contents) of(key any, file func() tree.File) tree.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = make(map[any]tree.File)
	}
	if c.files[key] == nil {
		c.files[key] = file()
	}
	return c.files[key]
}
