package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// With fabricated build-ids gdb 16 finds the executable by itself, and refuses
// another build of a library; without, it does neither. The core file that has
// them is another one, and nothing else differs in it.
func TestFakeBuildIDs(t *testing.T) {
	image := t.TempDir()
	unpack(t, testdata("zoo", "sysroot.tar.zst"), image)
	linker := filepath.Join(image, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
	writeFile(t, filepath.Join(image, "usr/lib/x86_64-linux-gnu/libc.so.6"), read(t, linker)) // a library of another build-id
	archive := testdata("zoo", "checkpoint.tar.zst")
	cores := filepath.Join(mount(t, archive, "-o", "fake-build-ids"), "cores")
	for _, row := range []struct {
		core           string
		refuses, finds bool
	}{{"core.7", false, false}, {"core.7.fake-build-ids", true, true}} {
		core := filepath.Join(cores, row.core)
		r := run(t, gdbCommand(t, "gdb16"), "--batch", "-nx", "-iex", "set sysroot "+image, "-iex", "set debuginfod enabled off",
			"--core", core, "-ex", "bt", "-ex", "info sharedlibrary")
		out := r.stdout + r.stderr
		if got := strings.Contains(out, "Build-id of /lib/x86_64-linux-gnu/libc.so.6 does not match core file"); got != row.refuses {
			t.Errorf("gdb on %s refuses the other libc: %v, want %v\n%s", row.core, got, row.refuses, out)
		}
		if got := strings.Contains(out, "in spin_with_registers ()"); got != row.finds {
			t.Errorf("gdb on %s finds the executable: %v, want %v\n%s", row.core, got, row.finds, out)
		}
	}

	written := filepath.Join(t.TempDir(), "core")
	output(t, program(t), "core", "--fake-build-ids", archive, "7", "-o", written)
	output(t, "cmp", written, filepath.Join(cores, "core.7.fake-build-ids"))
	if r := run(t, "readelf", "-nlW", written); r.code != 0 {
		t.Errorf("readelf = %d, %q", r.code, r.stderr)
	}
	if exists(filepath.Join(sharedMount(t, "zoo"), "cores/core.7.fake-build-ids")) {
		t.Error("a core file with fabricated build-ids where nobody asked for it")
	}
}
