package decoder

import (
	"fmt"
	"maps"
	"slices"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/tty"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Terminal is a terminal, or the master side of one.
//
// Source: tty-info.img.
type Terminal struct {
	Device    uint32 // its number as stat(2) has it, which is also that of /proc/pid/stat
	SID, PGRP int    // of the session that it controls, and of the foreground; 0 for none
	Master    bool   // of a pseudoterminal: the side of the program that shows it
	Index     uint32 // of a pseudoterminal: N in /dev/pts/N
}

func (*Terminal) details() {}

// loadTerminals decodes the terminals, by their id.
func (l *loader) loadTerminals() map[uint32]*Terminal {
	const master = 5<<8 | 2 // /dev/ptmx
	terminals := make(map[uint32]*Terminal)
	err := each(l.images, l.name("tty-info.img"), criu.MagicTTYInfo, func(e *tty.TtyInfoEntry, _ *criu.Reader) error {
		if terminals[e.GetId()] != nil {
			return fmt.Errorf("terminal %d: there more than once", e.GetId())
		}
		terminals[e.GetId()] = &Terminal{
			Device: e.GetRdev(), SID: int(e.GetSid()), PGRP: int(e.GetPgrp()),
			Master: e.GetType() == tty.TtyType_PTY && e.GetRdev() == master, Index: e.GetPty().GetIndex(),
		}
		return nil
	})
	l.warn.Add(optional(err))
	return terminals
}

// controlling are the terminals that control a session, by its id. What is
// open as /dev/tty, /dev/console or /dev/ptmx (major number 5) does not tell
// which terminal that is.
func (l *loader) controlling() map[int]*Terminal {
	const alternate = 5 // TTYAUX_MAJOR
	sessions := make(map[int]*Terminal)
	for _, id := range slices.Sorted(maps.Keys(l.terminals)) {
		t := l.terminals[id]
		major := t.Device >> 8 & 0xfff
		if t.SID != 0 && major != alternate && sessions[t.SID] == nil {
			sessions[t.SID] = t
		}
	}
	return sessions
}
