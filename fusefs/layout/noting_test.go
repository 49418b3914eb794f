package layout

import (
	"hash/maphash"
	"io"
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

// What is rendered again and comes out otherwise is refused, and said.
func TestTextThatChanges(t *testing.T) {
	b := &builder{ck: &decoder.Checkpoint{Warnings: new(decoder.Warnings)}, seed: maphash.MakeSeed()}
	text := "one\n"
	render := b.noting("images/core-1.json", func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	for range 2 {
		if err := render(io.Discard); err != nil {
			t.Error(err)
		}
	}
	text = "two\n"
	if err := render(io.Discard); err == nil {
		t.Error("another text is no error")
	}
	if got := strings.Join(b.ck.Warnings.List(), "\n"); got != "images/core-1.json: not as it was when it was first read" {
		t.Errorf("warnings %q", got)
	}
}
