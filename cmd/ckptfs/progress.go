package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress returns a progress bar for reading an archive of the given form
// and size in bytes. What is written to it counts as read. Nothing shows
// unless standard error is a terminal.
func progress(form string, size int64) io.WriteCloser {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return noProgress{io.Discard}
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetDescription("reading "+form),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

type noProgress struct{ io.Writer }

func (noProgress) Close() error { return nil }
