package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// session is what gdb is asked about a fixture, and what it must answer.
type session struct {
	fixture string
	name    string
	gdb     string
	sysroot string // in the fixture's folder, or absolute; "" is zoo's, which has the same libc
	renamed bool   // comm is not the name of the program, and no build-id is in the core file
	answers []answer
}

// answer is what gdb must answer to a command, a regular expression. The names
// in the fixture's out are variables, so are $base for an address without a
// name, and $libc for libc's text.
type answer struct{ command, want string }

var sessions = []session{
	{fixture: "a", name: "libraries", gdb: "gdb", renamed: true, answers: append([]answer{
		{"info sharedlibrary", `^From.*\n0x.* Yes .*/libc\.so\.6\n0x.* Yes .*/ld-linux-x86-64\.so\.2\n$`},
		{"x/2i $libc", `(?s)^ *0x.*:\s.*\n *0x.*:\s`},
	}, answersOfA...)},
	{fixture: "a", name: "no libraries", gdb: "gdb", sysroot: "/nonexistent", renamed: true, answers: append([]answer{
		{"info sharedlibrary", `^From.*\n.* No .*/libc\.so\.6\n.* No .*/ld-linux-x86-64\.so\.2\n$`},
		{"x/s $libc", `Cannot access memory`},
	}, answersOfA...)},
	{fixture: "b", gdb: "gdb", answers: []answer{
		{"info threads", `^.*\n(.* \(?LWP 193(09|11|12|13|14)\b.*\n){5}$`},
		{"thread apply all -ascending -q p tls_buf", inOrder(` = "tls-main"`, ` = "tls-futex"`, ` = "tls-mutex"`, ` = "tls-spin"`, ` = "tls-sig"`)},
		{"thread apply all -ascending -q p (long)$orig_rax", inOrder(" = 202\n", " = 202\n", " = 202\n", " = -1\n", " = 230\n")},
		{"thread apply all -ascending bt", inOrder(" in main ()", " in t_futex (", " in t_mutex (", " in t_spin (", " in t_sig (")},
	}},
	{fixture: "c2-criu42", gdb: "gdb", answers: []answer{
		{"x/s $anon_priv", `"anon_priv page 0"`},
		{"x/s $anon_shr+4096", `"anon_shr page 1"`},
		{"x/s $file_priv+8192", `"file_priv DIRTY page 2"`},
		{"x/s $memfd_shr+4096", `"memfd_shr page 1"`},
		{"x/s $memfd_priv", `"memfd_shr page 0"`},
		{"x/s $memfd_priv+4096", `"memfd_priv DIRTY 1"`},
		{"x/s $shm+4096", `"sysvshm page 1"`},
		{"x/s $del_priv", `"del1 filepage 0"`},
		{"x/s $del_priv+4096", `"del_priv DIRTY 1"`},
		{"x/s $del_shr+4096", `"del_shr DIRTY 1"`},
		{"x/s $guard+0x4000", `"guard-mid page 0"`},
		{"x/s $guard+0x5000", `"guard-mid page 1"`}, // PROT_NONE
		{"x/s $guard", `Cannot access memory`},
		{"x/s $gdown+0xc000", `"gdown page 0"`},
		{"x/s $sparse+6709248", `"sparse off 6709248"`},
		{"x/gx $sparse+4096", `:\t0x0000000000000000\n`},
		{"x/s $thp+0x300000", `"thp 3M"`},
		{"x/s $wronly", `"wronly page 0"`},
		{"x/s $execanon+4096", `"execanon\(jit\) page 1"`},
		{"x/s $dontdump", `"dontdump page 0"`},
		{"x/s $devzero", `"devzero priv"`},
		{"bt", `#1 .* in main \(`},
	}},
	{fixture: "gu-criu42", gdb: "gdb", answers: []answer{
		{"x/s $base+0x3000", `"page 3"`},
		{"x/s $base+0x4000", `Cannot access memory`},
		{"x/s $base+0x5000", `Cannot access memory`},
		{"x/s $base+0x6000", `"page 6"`},
		{"bt", `#1 .* in main \(`},
	}},
	{fixture: "x86-incremental", gdb: "gdb", sysroot: "/nonexistent", answers: []answer{
		{"x/s m", `"gen0 page 0"`},
		{"x/s m+0x3000", `"gen1 page 3"`},
		{"x/s m+0x6000", `"gen2 page 6"`},
		{"x/s m+0xc000", `"gen0 page 12"`},
		{"p/x $pkru", ` = 0x55555558\n`},
		{"bt", `^#0 .* main \(`},
	}},
	{fixture: "aarch64", gdb: "gdb-multiarch", sysroot: "sysroot", answers: []answer{
		{"bt", `^#0 .* spin \(\) at .*w_arm\.c:\d+\n#1 .* level2 \(x=(x@entry=)?42\) .*\n#2 .* \[PAC\] in level1 \(.*\n#3 .* \[PAC\] in main \(`},
		{"p/x $v31.q.u", ` = \{0x40404040404040403f3f3f3f3f3f3f3f\}\n`},
		{"p/x $x19", ` = 0x1919\n`},
		{"info threads", `^.*\n(.*LWP 16[5789]\b.*\n){4}$`},
	}},
}

// answersOfA need no library.
var answersOfA = []answer{
	{"bt", `^#0 .* spin \(\) at .*a\.c:18\n#1 .* level2 \(x=(x@entry=)?42\) .*\n#2 .* level1 \(x=(x@entry=)?21\) .*\n#3 .* main \(`},
	{"p/x $r12", ` = 0x1212121212121212\n`},
	{"p/x $rax", ` = 0xaaaaaaaaaaaaaaaa\n`},
	{"p $st0", ` = 3\.14159265358979323851\n`},
	{"p/x $ymm15.v4_int64", `, 0xeffefdfcfbfaf9f8\}\n`},
	{"p g_str", `"GLOBAL-DATA-STRING-a"`},
	{"p g_head->next->tag", `"node1\\000`},
	{"info files", `system-supplied DSO at`},
	{"frame 1", `level2`},
	{"p local", `"STACK-LOCAL-42\\000`},
}

// inOrder is a regular expression for texts that follow each other.
func inOrder(texts ...string) string {
	for i, text := range texts {
		texts[i] = regexp.QuoteMeta(text)
	}
	return "(?s)" + strings.Join(texts, ".*")
}

// gdb finds in every core file what the program put there, and complains of
// nothing of which it would not of the kernel's own.
func TestGDBOnCoreFixtures(t *testing.T) {
	for _, s := range sessions {
		gdbs := []string{s.gdb}
		if s.gdb == "gdb" {
			gdbs = append(gdbs, "gdb16")
		}
		for _, s.gdb = range gdbs {
			t.Run(filepath.Join(s.fixture, s.name, s.gdb), s.check)
		}
	}
}

func (s session) check(t *testing.T) {
	f := coreFixtureNamed(t, s.fixture)
	_, accepted := s.run(t, f.kernels(t))
	if s.renamed {
		accepted = append(accepted, "warning: core file may not match specified executable file.")
	}
	for _, core := range []string{f.shown(t), f.written(t)} {
		answers, complaints := s.run(t, core)
		for i, a := range s.answers {
			if s.gdb == "gdb16" && strings.Contains(a.command, "tls_buf") {
				continue // takes a libthread_db of the fixture's glibc, and gdb 16 has another
			}
			if !regexp.MustCompile(a.want).MatchString(answers[i]) {
				t.Errorf("%s on %s: %s prints %q, want %s", s.gdb, core, a.command, answers[i], a.want)
			}
		}
		for _, line := range complaints {
			if !slices.Contains(accepted, line) {
				t.Errorf("%s on %s says %q", s.gdb, core, line)
			}
		}
	}
}

// run returns the answers to the session's commands, and gdb's complaints.
func (s session) run(t *testing.T, core string) (answers, complaints []string) {
	t.Helper()
	f := coreFixtureNamed(t, s.fixture)
	files := s.sysroot
	if files == "" {
		files = debugRoot(t, "zoo")
	} else if !filepath.IsAbs(files) {
		files = f.path(t, files)
	}
	args := append(gdbOptions(files), "--core", core, "--se", f.program(t))
	for _, v := range f.variables(t) {
		args = append(args, "-ex", "set "+v)
	}
	const separator = "\x1e"
	for _, a := range s.answers {
		args = append(args, "-ex", fmt.Sprintf(`echo \%03o`, separator[0]), "-ex", a.command)
	}
	r := run(t, gdbCommand(t, s.gdb), args...)
	answers = strings.Split(r.stdout, separator)[1:]
	if len(answers) != len(s.answers) {
		t.Fatalf("%s %v = exit status %d, with %d answers of %d: %s", s.gdb, args, r.code, len(answers), len(s.answers), r.stderr)
	}
	for _, line := range lines(r.stderr) {
		if complaint.MatchString(line) {
			complaints = append(complaints, line)
		}
	}
	return answers, complaints
}

// named is an address in a fixture's out, after its name if it has one.
var named = regexp.MustCompile(`(?m)^(?:(\w+) )?(0x[0-9a-f]+)$`)

// variables returns the addresses of a fixture that gdb is to know by name.
func (f coreFixture) variables(t testing.TB) []string {
	t.Helper()
	var assignments []string
	for _, m := range named.FindAllStringSubmatch(read(t, f.path(t, "out")), -1) {
		name := m[1]
		if name == "" {
			name = "base"
		}
		assignments = append(assignments, fmt.Sprintf("$%s = (char *)%s", name, m[2]))
	}
	for _, m := range parseMaps(t, read(t, f.path(t, "maps"))) {
		if m.perms == "r-xp" && filepath.Base(m.name) == "libc.so.6" {
			assignments = append(assignments, fmt.Sprintf("$libc = (char *)%#x", m.start))
		}
	}
	return assignments
}

// The signals that are pending and blocked are each thread's own.
func TestSignalsOfThreads(t *testing.T) {
	require(t, "eu-readelf")
	eachOfB := map[int]string{19309: "<> <1>", 19311: "<> <1>", 19312: "<> <1>", 19313: "<> <1>", 19314: "<10> <1,10,37>"}
	got := output(t, "eu-readelf", "-n", coreFixtureNamed(t, "b").shown(t))
	for tid, want := range eachOfB {
		m := regexp.MustCompile(fmt.Sprintf(`sigpend: (.*)\n +sighold: (.*)\n +pid: %d,`, tid)).FindStringSubmatch(got)
		if m == nil || m[1]+" "+m[2] != want {
			t.Errorf("thread %d: %q, want %s", tid, m, want)
		}
	}
}
