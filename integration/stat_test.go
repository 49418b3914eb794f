package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Two mounts of one archive are identical, inode numbers included, but for the
// gdbinits, which name the mount point; and no number is beyond what JSON
// tools can hold.
func TestTwoMountsAreIdentical(t *testing.T) {
	for _, fixture := range full {
		list := `find . ! -name gdbinit -printf '%p %i %y %m %n %U:%G %s %b %T@ %l\n' | sort`
		first := shell(t, sharedMount(t, fixture), list)
		second := shell(t, mount(t, testdata(fixture, "checkpoint.tar.zst")), list)
		if first != second {
			t.Errorf("%s: two mounts differ:\n%s", fixture, firstDifference(first, second))
		}
		inodes := map[string]string{}
		for _, line := range lines(first) {
			f := strings.Split(line, " ")
			var ino uint64
			fmt.Sscan(f[1], &ino)
			if ino == 0 || ino >= 1<<53 {
				t.Errorf("%s: inode number of %s = %d, want below 2^53", fixture, f[0], ino)
			}
			if other, ok := inodes[f[1]]; ok && (f[2] == "d" || f[4] == "1") {
				t.Errorf("%s: %s and %s have the inode number %d", fixture, f[0], other, ino)
			}
			inodes[f[1]] = f[0]
		}
	}
}

func firstDifference(a, b string) string {
	x, y := lines(a), lines(b)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// Sizes are known without reading and are exact, for every file but mem.
func TestSizesAreExact(t *testing.T) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		want := shell(t, root, `find . -type f ! -name mem ! -path './cores/*' -printf '%p %s\n' | sort`)
		got := shell(t, root, `find . -type f ! -name mem ! -path './cores/*' -print0 | while read -rd '' f; do echo "$f $(wc -c < <(cat "$f"))"; done | sort`)
		if got != want {
			t.Errorf("%s: size read and size shown differ: %s", fixture, firstDifference(got, want))
		}
	}
}

// statfs and st_blksize are sane (bsdtar spins for ever on a block size of 0),
// and st_blocks tells how much of a sparse core is data.
func TestStat(t *testing.T) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		var fs syscall.Statfs_t
		if err := syscall.Statfs(root, &fs); err != nil || fs.Bsize < 512 || fs.Blocks == 0 || fs.Bavail != 0 || fs.Namelen < 255 {
			t.Errorf("%s: statfs = %+v, %v, want sane numbers and nothing available", fixture, fs, err)
		}
		err := filepath.Walk(root, func(path string, fi os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			st := fi.Sys().(*syscall.Stat_t)
			if st.Blksize != 4096 {
				t.Errorf("%s: st_blksize = %d, want 4096", path, st.Blksize)
			}
			if fi.ModTime().Year() < 2000 {
				t.Errorf("%s: modified %v, want the checkpoint's time", path, fi.ModTime())
			}
			if fi.Mode().IsRegular() && fi.Size() > 0 && (st.Blocks == 0 && fi.Size() >= 4096 || st.Blocks > (fi.Size()+4095)/4096*8) && !allZero(path) {
				t.Errorf("%s: %d blocks for %d bytes", path, st.Blocks, fi.Size())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	cores := filepath.Join(sharedMount(t, "zoo"), "cores")
	fi, err := os.Stat(filepath.Join(cores, "core.1"))
	if err != nil {
		t.Fatal(err)
	}
	if data := fi.Sys().(*syscall.Stat_t).Blocks * 512; fi.Size() < 1<<30 || data > 8<<20 {
		t.Errorf("core.1: %d bytes in %d bytes of blocks, want over 1 GiB in under 8 MiB", fi.Size(), data)
	}
}

// allZero reports whether a stretch of mem.d was never touched.
func allZero(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && strings.Trim(string(b), "\x00") == ""
}
