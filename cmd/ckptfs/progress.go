package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// reading returns a progress bar for reading an archive of the given form
// and size in bytes.
func reading(form string, size int64) io.WriteCloser { return progress("reading "+form, size) }

// progress returns a progress bar for that many bytes. What is written to it
// counts as done; it never fails. Nothing shows unless standard error is a
// terminal.
func progress(what string, size int64) bar {
	return bar{progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// bar drops the errors of a progress bar, such as that of more bytes than
// were announced, which must not end the work that it shows.
type bar struct{ *progressbar.ProgressBar }

func (b bar) Write(p []byte) (int, error) {
	_, _ = b.ProgressBar.Write(p)
	return len(p), nil
}
