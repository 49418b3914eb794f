package report_test

import (
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/report"
)

// Of the files that a message passes not more are named than one can read: of a
// hostile archive they can be millions.
func TestManyRights(t *testing.T) {
	o := &decoder.Object{Kind: decoder.ObjectUnix}
	for range 100_000 {
		o.Rights = append(o.Rights, &decoder.File{Path: "/a"})
	}
	var b strings.Builder
	if err := report.Recovered(&b, []report.RecoveredFile{{Object: o, Name: "x"}}); err != nil || b.Len() > 10_000 || !strings.Contains(b.String(), "/a,/a,...\t") {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
}
