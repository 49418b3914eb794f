package integration

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inParent returns the pages that a pagemap says are in the parent, and how
// many they are.
func inParent(t testing.TB, images string, pid int) ([]span, int) {
	t.Helper()
	const pageParent = 1 // PE_PARENT
	name := filepath.Join(images, fmt.Sprintf("pagemap-%d.img", pid))
	var spans []span
	pages := 0
	for _, entry := range readEntries(t, name, []byte(read(t, name)))[1:] {
		f := varints(t, entry)
		if f[4]&pageParent != 0 && f[4]&pagePresent == 0 {
			spans = append(spans, span{f[1], f[1] + f[5]*pageSize})
			pages += int(f[5])
		}
	}
	return merged(spans), pages
}

// spansOf returns the ranges of mem.idx that are of a kind and readable, but
// for the kernel's own pages.
func (p processPages) spansOf(kind string) []span {
	p.t.Helper()
	var spans []span
	for _, l := range p.idx() {
		if l.kind == kind && l.perms[0] == 'r' && !strings.HasPrefix(l.label, "vvar") {
			spans = append(spans, l.span)
		}
	}
	return merged(spans)
}

// The pages of an incremental checkpoint that are in its parents are
// inherited, and those alone. TestEveryPageIsTheLiveProcess says what they
// hold.
func TestInheritedPages(t *testing.T) {
	pre, final := testdata("predump", "pre.tar.zst"), testdata("predump", "final.tar.zst")
	tree := unpackedOnce(t, "predump", "pre.tar.zst")
	for _, row := range []struct {
		name, archive, images string
		options               []string
		truth                 string
		pid, pages            int
		source                string
	}{
		{"predump", final, "checkpoint", []string{"--parent", pre}, "predump/truth.tar.zst", 1, 410, "pre-checkpoint"},
		{"predump, a plain tar", final, "checkpoint", []string{"--parent", plain(t, pre)}, "predump/truth.tar.zst", 1, 410, "pre-checkpoint"},
		{"predump, a folder", final, "checkpoint", []string{"--parent", tree}, "predump/truth.tar.zst", 1, 410, "pre-checkpoint"},
		{"predump, the folder in it", final, "checkpoint", []string{"--parent", filepath.Join(tree, "pre-checkpoint")}, "predump/truth.tar.zst", 1, 410, ""},
		{"chain", testdata("chain", "chain.tar.zst"), "g3", nil, "chain/truth.tar.zst", 720, 407, "archive/g1"},
		{"dedup", testdata("chain", "dedup.tar.zst"), "d3", nil, "chain/truth-dedup.tar.zst", 748, 405, "archive/d1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := mount(t, row.archive, row.options...)
			if got := read(t, root, "warnings"); got != "" {
				t.Errorf("warnings = %q, want none", got)
			}
			p := processPages{t, row.name, root, row.pid}
			want, pages := inParent(t, filepath.Join(root, "archive", row.images), row.pid)
			if pages != row.pages {
				t.Errorf("the pagemap has %d pages in the parent, want %d", pages, row.pages)
			}
			checkSame(t, "inherited in mem.idx", p.spansOf("inherited"), want)
			for _, l := range p.idx() {
				if l.kind == "inherited" && row.source != "" && path.Dir(l.source) != row.source {
					t.Errorf("mem.idx: source of %v = %s, want a file of %s", l.span, l.source, row.source)
				}
			}
			record := filepath.Join(unpackedOnce(t, row.truth), fmt.Sprint(row.pid))
			for _, name := range []string{"comm", "cmdline", "environ", "auxv"} { // the stack may be the parent's
				if got, want := read(t, root, "procs", fmt.Sprint(row.pid), name), read(t, record, name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
		})
	}
}

// Without its parent an incremental checkpoint mounts with a warning, and what
// is in the parent is absent: 410 pages, and what stands in them.
func TestMissingParent(t *testing.T) {
	root := mount(t, testdata("predump", "final.tar.zst"), "--rootfs", testdata("predump", "sysroot.tar.zst"))
	warnings := lines(read(t, root, "warnings"))
	if len(warnings) != 1 || !strings.Contains(warnings[0], "410 pages") || !strings.Contains(warnings[0], "--parent") {
		t.Errorf("warnings = %q, want one that tells of 410 pages and of --parent", warnings)
	}
	p := processPages{t, "predump", root, 1}
	absent, pages := inParent(t, filepath.Join(root, "archive", "checkpoint"), 1)
	if pages != 410 {
		t.Errorf("the pagemap has %d pages in the parent, want 410", pages)
	}
	checkSame(t, "absent in mem.idx", p.spansOf("absent"), absent)
	vs := p.views()
	for _, s := range absent {
		for addr := s.start; addr < s.end; addr += pageSize {
			p.checkMissing(vs, addr)
		}
	}
	var others []pageSum
	for _, s := range readSums(t, filepath.Join(unpackedOnce(t, "predump/truth.tar.zst"), "1")) {
		if !covers(absent, span{s.addr, s.addr + pageSize}) {
			others = append(others, s)
		}
	}
	p.compareAll(others)
	// The arguments are on the part of the stack that nobody wrote to again.
	if _, err := os.ReadFile(filepath.Join(root, "procs", "1", "cmdline")); !errors.Is(err, syscall.EIO) {
		t.Errorf("reading cmdline = %v, want EIO", err)
	}
}

// A parent too many is warned of, and of no consequence.
func TestParentTooMany(t *testing.T) {
	pre := testdata("predump", "pre.tar.zst")
	for _, row := range []struct {
		archive string
		parents []string
		pid     string
	}{
		{"chain/chain.tar.zst", []string{pre}, "720"},
		{"zoo/checkpoint.tar.zst", []string{pre}, "1"},
		{"predump/final.tar.zst", []string{pre, testdata("zoo", "checkpoint.tar.zst")}, "1"},
	} {
		t.Run(row.archive, func(t *testing.T) {
			var needed []string
			if len(row.parents) > 1 {
				needed = []string{"--parent", row.parents[0]}
			}
			var given []string
			for _, parent := range row.parents {
				given = append(given, "--parent", parent)
			}
			want, got := mount(t, testdata(row.archive), needed...), mount(t, testdata(row.archive), given...)
			if w := lines(read(t, got, "warnings")); len(w) != 1 || !strings.Contains(w[0], "--parent") {
				t.Errorf("warnings = %q, want one that tells of --parent", w)
			}
			if g, w := read(t, got, "procs", row.pid, "mem.idx"), read(t, want, "procs", row.pid, "mem.idx"); g != w {
				t.Errorf("mem.idx =\n%s, want that without it\n%s", g, w)
			}
		})
	}
}

// The archive of another container as parent is warned of, and none of its
// bytes is shown.
func TestWrongParent(t *testing.T) {
	zoo := testdata("zoo", "checkpoint.tar.zst")
	root := mount(t, testdata("predump", "final.tar.zst"), "--parent", zoo)
	if w := read(t, root, "warnings"); !strings.Contains(w, "none of the 410 pages that are said to be there is") {
		t.Errorf("warnings = %q, want one that tells of 410 pages", w)
	}
	p := processPages{t, "predump", root, 1}
	if got := p.spansOf("inherited"); len(got) != 0 {
		t.Errorf("inherited in mem.idx = %v, want none", got)
	}
	absent, _ := inParent(t, filepath.Join(root, "archive", "checkpoint"), 1)
	mem := open(t, root, "procs", "1", "mem")
	for _, s := range absent {
		if n, err := mem.ReadAt(make([]byte, s.end-s.start), int64(s.start)); n != 0 || !errors.Is(err, syscall.EIO) {
			t.Errorf("mem at %v = %d bytes, %v, want EIO", s, n, err)
		}
	}
}

// A parent that is not there, or is no checkpoint, does not go unsaid.
func TestUnusableParent(t *testing.T) {
	require(t, "fuse")
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	m, err := newMount(t.TempDir())
	check(t, err)
	r := runCmd(t, commandLimit, m.command(program(t), "mount", "--parent", nowhere, testdata("predump", "final.tar.zst"), m.point))
	if r.code != 1 || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "--parent "+nowhere+": ") {
		t.Errorf("mount --parent %s = %d, %q, want 1 and a line that names it", nowhere, r.code, r.stderr)
	}
	if err := m.leftovers(); err != nil {
		t.Error(err)
	}
	root := mount(t, testdata("predump", "final.tar.zst"), "--parent", testdata("predump", "sysroot.tar.zst"))
	warnings := read(t, root, "warnings")
	if !strings.Contains(warnings, "410 pages") || !strings.Contains(warnings, "no folder with images") {
		t.Errorf("warnings = %q, want that the parent has no images, and that 410 pages are absent", warnings)
	}
}
