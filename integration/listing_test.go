package integration

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files from what there is")

// listingScript prints what makes the tree of a mount: of each file its path,
// type, mode, size and link target, and the SHA-256 sum of small ones. mem has
// no size and cores are too big; stretches of memory have their address in
// their name; gdbinit names the mount point.
const listingScript = `
	find . -mindepth 1 ! -path './archive/*' \( -name gdbinit -printf '%p %y %m\n' -o -type f -printf '%p %y %m %s\n' -o -type l -printf '%p %y %l\n' -o -printf '%p %y %m\n' \) |
	while IFS= read -r line; do
		set -- $line
		if [ "$2" = f ] && [ "${1##*/}" != mem ] && [ -n "${4-}" ] && [ "$4" -le 65536 ]; then
			echo "$line $(sha256sum <"$1" | cut -c 1-64)"
		else
			echo "$line"
		fi
	done | sort`

// The whole tree is the golden one: whoever changes a name, a mode, a size or a
// byte sees it here, and says so with -update.
func TestListing(t *testing.T) {
	for _, fixture := range full {
		got := shell(t, sharedMount(t, fixture), listingScript)
		golden(t, filepath.Join("testdata", fixture, "tree.golden"), got)
	}
}

// golden compares with a golden file, or with -update writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := read(t, file); got != want {
		t.Errorf("it is not as in %s (-update if it is meant):\n%s", file, firstDifference(got, want))
	}
}
