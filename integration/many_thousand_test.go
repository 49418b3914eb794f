package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// thousand makes a folder of 1,000 archives: small ones, plain and compressed.
func thousand(t testing.TB) string {
	t.Helper()
	compressed := []byte(read(t, testdata("zoo", "checkpoint.tar.zst")))
	expanded := []byte(read(t, plain(t, testdata("zoo", "checkpoint.tar.zst"))))
	dir := t.TempDir()
	for i := range 1000 {
		content := compressed
		if i%10 == 0 {
			content = expanded // 1.6 MB each
		}
		name := fmt.Sprintf("checkpoint-pod-%d_default-zoo-2026-11-23T16:37:16Z.tar", i)
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The daemon stays small when all of a thousand archives were entered.
func TestThousand(t *testing.T) {
	require(t, "fuse")
	const memory, files = 100 << 20, 60
	m := plainMount(t, thousand(t))
	for _, name := range names(t, m.point) {
		if got := names(t, filepath.Join(m.point, name)); !slices.Contains(got, "summary") {
			t.Fatalf("%s has %q", name, got)
		}
	}
	rss, open := m.anonymous(t), m.descriptors(t, files)
	t.Logf("%d KiB and %d files when all were entered", rss>>10, open)
	if rss > memory || open > files {
		t.Errorf("the daemon holds %d MiB and %d files when all were entered, want at most %d and %d", rss>>20, open, memory>>20, files)
	}
}

// They are listed in full.
func TestThousandListed(t *testing.T) {
	r := run(t, plainProgram(t), "list", thousand(t))
	if got := lines(r.stdout); r.code != 0 || len(got) != 1001 {
		t.Errorf("ckptfs list = exit status %d, %d lines, want 0 and 1001", r.code, len(got))
	}
	t.Logf("ckptfs list of 1,000 archives took %v", r.took)
}

// A listed is what list --json says of an archive.
type listed struct {
	Name, Container, Pod, Namespace, Engine, Image, Checkpointed, Error string

	Processes *int
	Size      int64 `json:"size_bytes"`
}

// list says of each archive what show says of it, and why one cannot be opened.
func TestListCommand(t *testing.T) {
	dir := manyOf(t, "zoo.tar.zst", "counter-1.tar")
	unpack(t, testdata("counter", "checkpoint.tar.zst"), mkdir(t, dir, "unpacked"))
	write(t, filepath.Join(dir, "broken\n.tar"), strings.Repeat("\xfe\x00", 300))
	write(t, filepath.Join(dir, "notes"), "text\n")
	var got []listed
	if err := json.Unmarshal([]byte(output(t, program(t), "list", "--json", dir)), &got); err != nil {
		t.Fatal(err)
	}
	var found []string
	table := lines(output(t, program(t), "list", dir))
	for i, l := range got {
		found = append(found, l.Name)
		if strings.HasPrefix(l.Name, "broken") {
			if l.Error == "" || !strings.Contains(table[i+1], l.Error) {
				t.Errorf("the error of %s = %q, in the table %q", l.Name, l.Error, table[i+1])
			}
			continue
		}
		var want struct {
			Container, Engine, Image, Checkpointed string

			Archive struct {
				Size int64 `json:"size_bytes"`
			}
			Processes []any
		}
		if err := json.Unmarshal([]byte(output(t, program(t), "show", "--json", filepath.Join(dir, l.Name))), &want); err != nil {
			t.Fatal(err)
		}
		if l.Container != want.Container || l.Engine != want.Engine || l.Image != want.Image || l.Checkpointed != want.Checkpointed ||
			l.Size != want.Archive.Size || l.Processes == nil || *l.Processes != len(want.Processes) {
			t.Errorf("list of %s = %+v, want what show has, %+v", l.Name, l, want)
		}
		row := fmt.Sprint(strings.Fields(table[i+1]))
		if want := fmt.Sprint([]any{l.Name, l.Container, "-", "-", l.Engine, l.Image, l.Checkpointed, *l.Processes, l.Size}); row != want {
			t.Errorf("row %d = %s, want %s", i, row, want)
		}
	}
	if want := []string{"broken\n.tar", "counter-1.tar", "unpacked", "zoo.tar.zst"}; !slices.Equal(found, want) || len(table) != len(want)+1 {
		t.Errorf("list has %q, want %q:\n%s", found, want, strings.Join(table, "\n"))
	}
	r := run(t, program(t), "list", filepath.Join(dir, "unpacked"))
	if r.code != 1 || len(lines(r.stderr)) != 1 {
		t.Errorf("ckptfs list of a checkpoint = %d, %q, want 1 and one line", r.code, r.stderr)
	}
}
