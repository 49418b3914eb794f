package main

import (
	"cmp"
	"errors"
	"os"
	"sync"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs"
)

// A helper does for a process what that may not do since it has restricted
// itself. It is the other process's end of a link: the keeper of a mount, or
// the init process of exec, which never read an archive. The zero helper has
// none: the process does it itself.
type helper struct {
	mu sync.Mutex
	*link
}

// spoolFile makes a file without a name in the spool directory. A rule of
// Landlock for the directory would do too, and let the process read and write
// whatever others have there, in /var/tmp.
func (h *helper) spoolFile(dir string) (*os.File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.link == nil {
		return archive.SpoolFile(dir)
	}
	h.send(message{NewSpoolFile: true})
	answer, fd, err := h.receive()
	switch {
	case err != nil:
		return nil, err
	case fd < 0:
		return nil, errors.New(cmp.Or(answer.Error, "no file descriptor came"))
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// linkUse tells what a thread does with a link; see [threads.linkUse].
// Landlock denies one process to trace another, and takes for that what tells
// of a system call.
func (h *helper) linkUse(tid int) fusefs.LinkUse {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.send(message{LinkOf: tid})
	answer, _, _ := h.receive() // it follows, where nobody answers
	return answer.LinkUse
}

// help answers until the other process has ended. The directory is not asked
// for, but is what the command line says.
func (l *link) help(spoolDir string, proc threads) {
	for {
		question, _, err := l.receive()
		if err != nil {
			return
		}
		if !question.NewSpoolFile {
			l.send(message{LinkUse: proc.linkUse(question.LinkOf)})
			continue
		}
		f, err := newSpoolFile(spoolDir)
		if err != nil {
			l.send(message{Error: err.Error()})
			continue
		}
		l.send(message{}, int(f.Fd()))
		_ = f.Close()
	}
}

func newSpoolFile(asked string) (*os.File, error) {
	dir, err := archive.SpoolDir(asked)
	if err != nil {
		return nil, err
	}
	return archive.SpoolFile(dir)
}

// offerHelp makes this process the helper of the one at the other end.
func (l *link) offerHelp(spoolDir string, proc threads) error {
	ours, theirs, err := newLink()
	if err != nil {
		return err
	}
	go ours.help(spoolDir, proc)
	return l.sendFD(theirs)
}

// accept takes the offer of help.
func (h *helper) accept(from *link) error {
	fd, err := from.receiveFD()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.link = &link{fd}
	return nil
}
