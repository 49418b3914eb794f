package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An archive that lacks an image mounts without what that image holds and
// names it in warnings, or is refused in one line that names it.
func TestMissingImage(t *testing.T) {
	require(t, "fuse")
	for _, row := range []struct {
		image string
		lost  string // what cannot be in the mount
	}{
		{"pstree.img", ""},
		{"core-7.img", "procs/7/regs"},
		{"mm-7.img", "procs/7/mem"},
		{"pagemap-7.img", ""},
		{"pages-4.img", ""},
		{"files.img", ""},
		{"core-13.img", "procs/1/task/13/regs"},
	} {
		t.Run(row.image, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, testdata("zoo", "checkpoint.tar.zst"), dir)
			if err := os.Remove(filepath.Join(dir, "checkpoint", row.image)); err != nil {
				t.Fatal(err)
			}
			checkNamed(t, dir, row.image, row.lost)
		})
	}
}

// The same where the image is there but empty, or garbage.
func TestBrokenImage(t *testing.T) {
	require(t, "fuse")
	for _, image := range []string{"pstree.img", "core-7.img", "mm-7.img", "pagemap-7.img", "files.img", "inventory.img", "utsns-12.img"} {
		for name, content := range map[string]string{
			"empty":   "",
			"garbage": strings.Repeat("\xff", 4096),
			"magic":   "\x19\x43\x56\x54",
		} {
			t.Run(image+"/"+name, func(t *testing.T) {
				dir := t.TempDir()
				unpack(t, testdata("zoo", "checkpoint.tar.zst"), dir)
				path := filepath.Join(dir, "checkpoint", image)
				if _, err := os.Stat(path); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				checkNamed(t, dir, image, "")
			})
		}
	}
}

// checkNamed mounts a folder with one bad image and fails where neither the
// refusal nor warnings name that image, or lost is in the mount.
func checkNamed(t *testing.T, dir, image, lost string) {
	t.Helper()
	m, err := newMount(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := runCmd(t, commandLimit, m.command(program(t), "mount", dir, m.point))
	if r.code != 0 {
		checkRefusal(t, m, r, []string{image})
		return
	}
	defer m.stop(t)
	walk(t, m.point)
	if warnings := read(t, m.point, "warnings"); !strings.Contains(warnings, image) {
		t.Errorf("warnings = %q, want %s named", warnings, image)
	}
	if lost == "" {
		return
	}
	if b, err := os.ReadFile(filepath.Join(m.point, lost)); err == nil && len(b) > 0 {
		t.Errorf("%s = %q without %s", lost, b, image)
	}
	// All others still work.
	if got := read(t, m.point, "procs/6/comm"); got != "zoo-child\n" {
		t.Errorf("procs/6/comm = %q, want zoo-child", got)
	}
}
