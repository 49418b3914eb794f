package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// form is one way in which an archive can be packed: a command that turns the
// plain tar $1 into $2, and names that lie about the result.
type form struct {
	name, tool, script string
	lie                string
}

var forms = []form{
	{"checkpoint.tar", "cp", `cp "$1" "$2"`, "checkpoint.tar.zst"},
	{"checkpoint.tar.gz", "gzip", `gzip -c "$1" >"$2"`, "checkpoint.tar.bz2"},
	{"checkpoint.tar.bz2", "bzip2", `bzip2 -c "$1" >"$2"`, "checkpoint.tar"},
	{"checkpoint.tar.xz", "xz", `xz -1 -c "$1" >"$2"`, "checkpoint.tar.gz"},
	{"checkpoint.tar.zst", "zstd", `zstd -qc "$1" >"$2"`, "checkpoint.zip"},
	{"directory", "tar", `mkdir "$2"; tar -xf "$1" -C "$2"`, "checkpoint.tar.xz"},
	{"dot-slash.tar", "tar", `mkdir "$2.d"; tar -xf "$1" -C "$2.d"; tar -cf "$2" -C "$2.d" .`, "checkpoint"},
}

// Each form of an archive mounts and is the same checkpoint, whatever its name
// says.
func TestArchiveForms(t *testing.T) {
	require(t, "fuse")
	for _, fixture := range full {
		source := plain(t, testdata(fixture, "checkpoint.tar.zst"))
		want := fingerprint(t, sharedMount(t, fixture))
		for _, f := range forms {
			t.Run(fixture+"/"+f.name, func(t *testing.T) {
				require(t, f.tool)
				dir := t.TempDir()
				honest, lie := filepath.Join(dir, f.name), filepath.Join(dir, "lie", f.lie)
				output(t, "bash", "-euc", f.script, "pack", source, honest)
				if err := os.Mkdir(filepath.Dir(lie), 0o755); err != nil {
					t.Fatal(err)
				}
				checkForm(t, honest, want)
				if err := os.Rename(honest, lie); err != nil {
					t.Fatal(err)
				}
				checkForm(t, lie, want)
			})
		}
	}
}

// checkForm mounts an archive and compares its fingerprint.
func checkForm(t *testing.T, archive, want string) {
	t.Helper()
	if got := fingerprint(t, mount(t, archive)); got != want {
		t.Errorf("%s: the tree is not that of checkpoint.tar.zst: got\n%s\nwant\n%s", archive, got, want)
	}
}

// fingerprint sums up what a mount shows of the processes.
func fingerprint(t testing.TB, root string) string {
	t.Helper()
	return shell(t, root, `
		ls -1 procs
		cat stats warnings ns/uts
		cd procs
		for p in *; do
			echo "$p: $(cat "$p"/{comm,cmdline,maps,mem.idx} 2>/dev/null | sha256sum)"
		done
		cat */mem.d/* | sha256sum
	`)
}
