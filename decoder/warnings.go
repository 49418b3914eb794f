package decoder

import (
	"fmt"
	"sync"
)

// What a hostile archive can make us keep: so many warnings of so many bytes.
const (
	maxWarnings = 10_000
	maxWarning  = 1000
)

// Warnings collects what could not be decoded or read. The zero value is
// ready; it is safe for concurrent use.
type Warnings struct {
	mu      sync.Mutex
	list    []string
	seen    map[string]bool
	dropped int
}

// Add notes err, once: the same text is not repeated. nil is ignored.
func (w *Warnings) Add(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) == maxWarnings {
		w.dropped++
		return
	}
	text := err.Error()
	if len(text) > maxWarning {
		text = text[:maxWarning] + "..."
	}
	if !w.seen[text] {
		if w.seen == nil {
			w.seen = make(map[string]bool)
		}
		w.seen[text] = true
		w.list = append(w.list, text)
	}
}

// Addf notes a warning of that form; see [fmt.Errorf].
func (w *Warnings) Addf(format string, args ...any) {
	w.Add(fmt.Errorf(format, args...))
}

// List returns the warnings so far, in the order in which they came.
func (w *Warnings) List() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := append([]string(nil), w.list...)
	if w.dropped > 0 {
		list = append(list, fmt.Sprintf("%d more warnings", w.dropped))
	}
	return list
}
