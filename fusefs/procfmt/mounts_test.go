package procfmt

import (
	"strings"
	"testing"

	"github.com/ckptfs/ckptfs/decoder"
)

func TestMounts(t *testing.T) {
	for _, test := range []struct {
		name         string
		mount        decoder.Mount
		info, mounts string
	}{
		{
			"a tmpfs",
			decoder.Mount{
				ID: 81, Parent: 79, Dev: decoder.Dev{Major: 254, Minor: 3}, Root: "/", Point: "/dev", Flags: msNosuid | msRelatime,
				FSType: "tmpfs", Source: "tmpfs", Options: "size=65536k,mode=755", Shared: 2, Master: 1,
			},
			"81 79 254:3 / /dev rw,nosuid,relatime shared:2 master:1 - tmpfs tmpfs rw,size=65536k,mode=755",
			"tmpfs /dev tmpfs rw,nosuid,relatime,size=65536k,mode=755 0 0",
		},
		{
			"read-only and synchronous, of which only the file system is",
			decoder.Mount{Root: "/", Point: "/", Flags: msNodiratime, SuperFlags: msRdonly | msSynchronous | msLazytime, Source: "/dev/sda", Options: "discard"},
			"0 0 0:0 / / rw,nodiratime - none /dev/sda ro,sync,lazytime,discard",
			"/dev/sda / none ro,sync,lazytime,nodiratime,discard 0 0",
		},
		{
			"names that would end a field",
			decoder.Mount{Root: "/a b", Point: "/\n1 1 0:1 / /fake\t\\", FSType: "fuse", Source: "#x y"},
			`0 0 0:0 /a\040b /\0121\0401\0400:1\040/\040/fake\011\134 rw - fuse \043x\040y rw`,
			`\043x\040y /\0121\0401\0400:1\040/\040/fake\011\134 fuse rw 0 0`,
		},
		{
			"a devpts of its own",
			decoder.Mount{Root: "/", Point: "/dev/pts", FSType: "devpts", Source: "devpts", Options: "mode=620,newinstance"},
			"0 0 0:0 / /dev/pts rw - devpts devpts rw,mode=620",
			"devpts /dev/pts devpts rw,mode=620 0 0",
		},
	} {
		var info, mounts strings.Builder
		if err := Mountinfo(&info, []*decoder.Mount{&test.mount}); err != nil || info.String() != test.info+"\n" {
			t.Errorf("%s: mountinfo %q, %v, want %q", test.name, info.String(), err, test.info)
		}
		if err := Mounts(&mounts, []*decoder.Mount{&test.mount}); err != nil || mounts.String() != test.mounts+"\n" {
			t.Errorf("%s: mounts %q, %v, want %q", test.name, mounts.String(), err, test.mounts)
		}
	}
}
