package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	access "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// Every byte of an archive may be there to mislead the decoder. So when the
// archives are open, and before one of them is looked into, the process that
// reads them gives up the right to open anything else, to reach the network,
// and to signal or trace other processes: landlock(7). Whatever a bug in the
// decoder lets an archive do, it cannot read the analyst's files or leave
// anything there. An older kernel restricts less, or nothing.
//
// Such a process cannot mount or unmount either. See keeper.go for who does,
// and helper.go for what else others have to do for it.

// restrict restricts this process, and all that it starts from now on, to
// reading files below directories, and what else there is a rule for.
func restrict(dirs []string, others ...landlock.Rule) error {
	rules := slices.Concat(others, []landlock.Rule{landlock.PathAccess(access.AccessFSReadFile|access.AccessFSReadDir, dirs...)})
	if err := landlock.V11.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}

// directories are those of the sources that are directories: of them, files
// are opened when they are needed. A tar stays open.
func (s sources) directories() (dirs []string) {
	for _, path := range s.paths() {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			dirs = append(dirs, path)
		}
	}
	return dirs
}

// writing allows a process that is soon at its end to write files below a
// directory. Landlock cannot tell its own from those of others there. If it is
// no directory, the error comes when it is used.
func writing(dir string) []landlock.Rule {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	return []landlock.Rule{landlock.PathAccess(access.AccessFSReadFile|access.AccessFSWriteFile|access.AccessFSTruncate|
		access.AccessFSMakeReg|access.AccessFSRemoveFile, dir)}
}

// spooling allows such a process to expand archives without a helper.
func spooling(asked string) []landlock.Rule {
	dir, err := archive.SpoolDir(asked)
	if err != nil {
		return nil // it comes again if there is something to be expanded
	}
	return writing(dir)
}
