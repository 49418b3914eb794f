package main

import (
	"strings"
	"testing"
)

func TestFindMount(t *testing.T) {
	const table = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:39 / /mnt/a\040b ro,nosuid - fuse.ckptfs /a.tar ro,user_id=0
41 22 0:40 / /mnt/ck rw shared:2 master:1 - tmpfs none rw
42 41 0:41 / /mnt/ck ro - fuse.ckptfs /b\134.tar ro
`
	for path, want := range map[string]string{
		"/": "ext4", "/mnt/a b": "fuse.ckptfs", "/mnt/ck": "fuse.ckptfs", "/mnt": "", "/mnt/a": "",
	} {
		if got, err := findMount(strings.NewReader(table), path); got != want || err != nil {
			t.Errorf("findMount(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`a\040b`: "a b", `\011\012\134`: "\t\n\\", `\04`: `\04`, `\999`: `\999`, `x\`: `x\`, `\377`: "\xff",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
