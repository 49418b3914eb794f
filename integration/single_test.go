package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A command that takes one checkpoint takes none of a folder of them for it, not
// even one that is unpacked there.
func TestFolderIsNotOne(t *testing.T) {
	dir := manyOf(t, "zoo-1.tar")
	unpack(t, testdata("counter", "checkpoint.tar.zst"), mkdir(t, dir, "unpacked"))
	for _, args := range [][]string{{"show", dir}, {"core", dir, "1", "-o", filepath.Join(t.TempDir(), "core")}, {"exec", dir, "--", "true"}} {
		r := run(t, program(t), args...)
		want := fmt.Sprintf("ckptfs: %s: %s: a folder of checkpoints, which ckptfs list lists; name one of them\n", args[0], dir)
		if r.code != 1 || r.stdout != "" || r.stderr != want {
			t.Errorf("%v: exit status %d, %q, want 1, %q", args, r.code, r.stderr, want)
		}
	}
}

// exec says what is wrong with the checkpoint, and does not show an empty /proc
// as one.
func TestExecWarns(t *testing.T) {
	r := runCmd(t, commandLimit, newExec(t, nil, testdata("predump", "final.tar.zst"), "cat", "/proc/1/comm"))
	if r.code != 0 || r.stdout != "pages\n" || len(lines(r.stderr)) != 1 || !strings.Contains(r.stderr, "410 pages are in a parent checkpoint") {
		t.Errorf("exit status %d, %q, %q, want 0 and a warning of 410 pages", r.code, r.stdout, r.stderr)
	}
	r = runCmd(t, commandLimit, newExec(t, nil, testdata("predump", "pre.tar.zst"), "echo", "it runs"))
	if r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, "a pre-checkpoint") || !strings.HasSuffix(r.stderr, ": it has no processes\n") {
		t.Errorf("exit status %d, %q, %q, want 1 and that it has no processes", r.code, r.stdout, r.stderr)
	}
}

// Of an archive that is cut the time is that of an image which is left, never
// that of the file.
func TestTimeOfCutArchive(t *testing.T) {
	whole := read(t, testdata("zoo", "checkpoint.tar.zst"))
	cut := filepath.Join(t.TempDir(), "cut.tar.zst")
	write(t, cut, whole[:100_000])
	if got := output(t, program(t), "show", cut); !strings.Contains(got, "checkpointed: 2026-11-23T16:37:16Z\n") {
		t.Errorf("%s\nwant the time of the images", got)
	}
}

// The memory pages of a chain of dumps are those of its last, as its size is.
func TestPagesOfChain(t *testing.T) {
	got := output(t, program(t), "show", testdata("chain", "chain.tar.zst"))
	if want := "checkpoint:   474309 bytes (463.2 KiB), 466944 of them memory pages\n"; !strings.Contains(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// What cannot be read is said where it may be why there is no checkpoint.
func TestUnreadableImages(t *testing.T) {
	dir, err := os.MkdirTemp(scratch, "unreadable-") // where another user gets to
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	unpack(t, testdata("zoo", "checkpoint.tar.zst"), dir)
	check(t, os.Chmod(filepath.Join(dir, "checkpoint"), 0o600))
	r := runCmd(t, commandLimit, newOtherUser(t).command(program(t), "show", dir))
	if r.code != 1 || !strings.Contains(r.stderr, `member "checkpoint"`) || !strings.Contains(r.stderr, "permission denied") {
		t.Errorf("exit status %d, %q, want 1 and that checkpoint/ cannot be read", r.code, r.stderr)
	}
}
