package integration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const pageSize = 4096 // of the x86-64 fixtures

// span is a half-open range of addresses.
type span struct{ start, end uint64 }

func (s span) String() string { return fmt.Sprintf("%x-%x", s.start, s.end) }

func (s span) holds(addr uint64) bool { return s.start <= addr && addr < s.end }

// parseSpan parses "start-end" in hexadecimal.
func parseSpan(text string) (span, error) {
	start, end, ok := strings.Cut(text, "-")
	if !ok {
		return span{}, fmt.Errorf("%q is no range", text)
	}
	s, err1 := strconv.ParseUint(start, 16, 64)
	e, err2 := strconv.ParseUint(end, 16, 64)
	if err1 != nil || err2 != nil || s >= e {
		return span{}, fmt.Errorf("%q is no range", text)
	}
	return span{s, e}, nil
}

// merged sorts spans and joins those that touch or overlap.
func merged(spans []span) []span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int {
		if a.start < b.start {
			return -1
		}
		return 1
	})
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

// covers reports whether one of the merged spans holds all of s.
func covers(spans []span, s span) bool {
	return slices.ContainsFunc(spans, func(x span) bool { return x.start <= s.start && s.end <= x.end })
}

// mapsLine is a line of /proc/pid/maps.
type mapsLine struct {
	span
	perms, offset, device, inode string
	name                         string
	column                       int // where the name starts, 0 without one
}

func (m mapsLine) String() string {
	return fmt.Sprintf("%v %s %s %s %s %q", m.span, m.perms, m.offset, m.device, m.inode, m.name)
}

func (m mapsLine) private() bool { return m.perms[3] == 'p' }

// parseMaps parses the text of a maps file.
func parseMaps(t testing.TB, text string) []mapsLine {
	t.Helper()
	var out []mapsLine
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 {
			t.Fatalf("maps line %q has %d columns, want at least 5", line, len(f))
		}
		s, err := parseSpan(f[0])
		if err != nil {
			t.Fatalf("maps line %q: %v", line, err)
		}
		m := mapsLine{span: s, perms: f[1], offset: f[2], device: f[3], inode: f[4]}
		head := strings.Join(f[:5], " ")
		if rest, ok := strings.CutPrefix(line, head); ok && strings.TrimLeft(rest, " ") != "" {
			m.name = strings.TrimLeft(rest, " ")
			m.column = len(line) - len(m.name)
		}
		out = append(out, m)
	}
	return out
}

// idxLine is a line of mem.idx.
type idxLine struct {
	span
	perms, kind, source string
	offset              int64
	label               string
	modified            bool
}

// known reports whether the mount has the range's bytes.
func (l idxLine) known() bool { return l.kind != "absent" }

// stored reports whether the range's bytes stand in some file.
func (l idxLine) stored() bool { return l.kind != "absent" && l.kind != "zero" }

// parseIdx parses the text of a mem.idx file.
func parseIdx(t testing.TB, text string) []idxLine {
	t.Helper()
	var out []idxLine
	for _, line := range lines(text) {
		l, err := parseIdxLine(line)
		if err != nil {
			t.Fatalf("mem.idx line %q: %v", line, err)
		}
		out = append(out, l)
	}
	return out
}

func parseIdxLine(line string) (l idxLine, err error) {
	f := strings.Split(line, "\t")
	if len(f) != 7 && (len(f) != 8 || f[7] != "modified") {
		return l, fmt.Errorf("%d fields, want 7, or 8 with the last \"modified\"", len(f))
	}
	if len(f[0]) != 16 || len(f[1]) != 16 {
		return l, fmt.Errorf("addresses of %d and %d digits, want 16", len(f[0]), len(f[1]))
	}
	if l.span, err = parseSpan(f[0] + "-" + f[1]); err != nil {
		return l, err
	}
	kinds := []string{"captured", "inherited", "shared", "file", "zero", "absent"}
	if !slices.Contains(kinds, f[3]) {
		return l, fmt.Errorf("kind %q, want one of %v", f[3], kinds)
	}
	l.perms, l.kind, l.source, l.label, l.modified = f[2], f[3], f[4], f[6], len(f) == 8
	if l.stored() == (l.source == "-") {
		return l, fmt.Errorf("kind %s with source %q", l.kind, l.source)
	}
	if f[5] != "-" {
		l.offset, err = strconv.ParseInt(f[5], 10, 64)
	}
	return l, err
}
