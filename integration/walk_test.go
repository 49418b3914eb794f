package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// walkLimit is when a recursive command over a whole mount counts as hung.
const walkLimit = 10 * time.Minute

// Commands that walk the whole mount come to an end, and complain about nothing
// but mem.
func TestWalks(t *testing.T) {
	for _, row := range []struct{ name, tool, script string }{
		{"grep", "grep", `grep -ra NO-SUCH-STRING-IN-ANY-CHECKPOINT "$M"; test $? -ne 0`},
		{"sha256sum", "sha256sum", `find "$M" -type f -exec sha256sum {} + >/dev/null`},
		{"tar", "tar", `tar -cf - -C "$M" . | cat >/dev/null`},
		{"cp", "cp", `cp -a "$M" "$OUT/copy"`},
		{"rsync", "rsync", `rsync -aS "$M/" "$OUT/copy/"`},
		{"find", "find", `find "$M" -ls >/dev/null`},
		{"du", "du", `du -a "$M" >/dev/null; du -a --apparent-size "$M" >/dev/null`},
		{"ls", "ls", `ls -lR "$M" >/dev/null`},
		{"file", "file", `find "$M" -type f -exec file {} + >/dev/null`},
	} {
		for _, fixture := range full {
			t.Run(row.name+"/"+fixture, func(t *testing.T) {
				require(t, row.tool)
				cmd := exec.Command("bash", "-c", "set -o pipefail; "+row.script)
				cmd.Env = append(os.Environ(), "LC_ALL=C", "M="+sharedMount(t, fixture), "OUT="+t.TempDir())
				r := runCmd(t, walkLimit, cmd)
				t.Logf("%s over %s took %v", row.name, fixture, r.took)
				complaints := 0
				for _, line := range lines(r.stderr) {
					if !aboutMem(line) {
						t.Errorf("%s: %s", row.name, line)
					}
					complaints++
				}
				if r.code != 0 && complaints == 0 {
					t.Errorf("%s: exit status %d without a word", row.name, r.code)
				}
			})
		}
	}
}

// aboutMem reports whether a line of standard error is about a mem file, or
// the summary that rsync and tar end with after one.
func aboutMem(line string) bool {
	return strings.Contains(line, "/mem:") || strings.Contains(line, "/mem'") || strings.Contains(line, "/mem\"") ||
		strings.HasPrefix(line, "rsync error: some files/attrs were not transferred") ||
		strings.HasPrefix(line, "tar: Exiting with failure status due to previous errors")
}

// bothDevices is how diff speaks of two devices, which it does not compare.
var bothDevices = regexp.MustCompile(`(?m)^File \S+ is a character special file while file \S+ is a character special file\n`)

// A copy of the mount, made with cp, is the same tree.
func TestCopyIsTheSame(t *testing.T) {
	require(t, "diff")
	root, dir := sharedMount(t, "counter"), filepath.Join(t.TempDir(), "copy")
	cmd := exec.Command("cp", "-a", root, dir)
	cmd.Run() // it cannot copy mem, which TestWalks tells from other faults
	r := run(t, "diff", "-r", "--no-dereference", "--exclude=mem", "--exclude=cores", root, dir)
	if out := bothDevices.ReplaceAllString(r.stdout, ""); out != "" || r.stderr != "" || r.code > 1 {
		t.Errorf("diff -r of the mount and its copy = exit status %d\n%s%s", r.code, out, r.stderr)
	}
}
