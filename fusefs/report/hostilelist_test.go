package report_test

import (
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/fusefs/report"
)

// A name without end in one checkpoint does not make the lines of all others as
// long.
func TestListOfLongNames(t *testing.T) {
	const length, others = 1 << 20, 50
	lines := []report.Line{{Name: "evil.tar", Container: strings.Repeat("n", length), Image: strings.Repeat("i", 300)}}
	for range others {
		lines = append(lines, report.Line{Name: "a.tar", Container: "web", Image: "nginx"})
	}
	var b strings.Builder
	if err := report.List(&b, lines); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if i == 1 {
			if !strings.Contains(line, strings.Repeat("n", length)) {
				t.Errorf("the long name is not there: %.300s", line)
			}
		} else if len(line) > 1000 {
			t.Fatalf("line %d of %d bytes", i+1, len(line))
		}
	}
}
