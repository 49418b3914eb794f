package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFlagsFirst(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"ckptfs", "ckptfs"},
		{"ckptfs --version", "ckptfs --version"},
		{"ckptfs bogus a -f", "ckptfs bogus a -f"},
		{"ckptfs mount", "ckptfs mount --"},
		{"ckptfs mount a.tar /mnt -f", "ckptfs mount -f -- a.tar /mnt"},
		{"ckptfs mount a.tar -o ro /mnt", "ckptfs mount -o ro -- a.tar /mnt"},
		{"ckptfs mount a.tar /mnt -o=ro -f", "ckptfs mount -o=ro -f -- a.tar /mnt"},
		{"ckptfs mount a.tar /mnt --spool-dir /tmp", "ckptfs mount --spool-dir /tmp -- a.tar /mnt"},
		{"ckptfs mount -f -- -a.tar -f", "ckptfs mount -f -- -a.tar -f"},
		{"ckptfs mount a.tar /mnt -o", "ckptfs mount -o"},
		{"ckptfs exec a.tar --rootfs b.tar -- ps -e --", "ckptfs exec --rootfs b.tar -- a.tar ps -e --"},
		{"ckptfs mount - /mnt", "ckptfs mount -- - /mnt"},
	} {
		got := flagsFirst(newApp(), strings.Fields(tt.in))
		if !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("flagsFirst(%s) = %v, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseOptions(t *testing.T) {
	for _, tt := range []struct {
		list string
		want mountOptions
		ok   bool
	}{
		{"", mountOptions{}, true},
		{"defaults ro nosuid nodev noexec nofail", mountOptions{}, true},
		{"allow_other links=raw", mountOptions{allowOther: true, rawLinks: true}, true},
		{"links=raw links=confined", mountOptions{}, true},
		{"rw", mountOptions{}, false},
		{"links", mountOptions{}, false},
	} {
		got, err := parseOptions(strings.Fields(tt.list))
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("parseOptions(%s) = %+v, %v, want %+v", tt.list, got, err, tt.want)
		}
	}
}

func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args string
		want int
	}{
		{"ckptfs", exitUsage},
		{"ckptfs bogus", exitUsage},
		{"ckptfs mount a.tar", exitUsage},
		{"ckptfs mount a.tar b c", exitUsage},
		{"ckptfs mount a.tar b -o rw", exitUsage},
		{"ckptfs umount --lazy x", exitUsage},
		{"ckptfs mount /none " + dir, exitUnusable},
		{"ckptfs mount " + dir + " /none", exitUnusable},
		{"ckptfs mount " + dir + " " + dir, exitUnusable},
		{"ckptfs umount " + dir, exitUnusable},
		{"ckptfs exec a.tar", exitUsage},
		{"ckptfs exec --bad a.tar -- true", exitUsage},
		{"ckptfs exec /none -- true", exitUnusable},
		{"ckptfs exec /none -- ckptfs-no-such-command", exitNotFound},
		{"ckptfs exec /none -- /none/command", exitNotFound},
		{"ckptfs exec /none -- " + dir, exitNotRunnable},
	} {
		if got := run(strings.Fields(tt.args)); got != tt.want {
			t.Errorf("%s: exit status %d, want %d", tt.args, got, tt.want)
		}
	}
}
