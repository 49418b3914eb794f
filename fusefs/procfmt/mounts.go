package procfmt

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
)

// Mountinfo writes /proc/pid/mountinfo. The type of a file system that CRIU
// does not know is "none".
//
// Source: fs/proc_namespace.c:show_mountinfo; proc_pid_mountinfo(5).
func Mountinfo(w io.Writer, table []*decoder.Mount) error {
	b := bufio.NewWriter(w)
	for _, m := range table {
		fmt.Fprintf(b, "%d %d %d:%d %s %s %s", m.ID, m.Parent, m.Dev.Major, m.Dev.Minor,
			mangle(m.Root), mangle(m.Point), strings.Join(mountOptions(m), ","))
		if m.Shared != 0 {
			fmt.Fprintf(b, " shared:%d", m.Shared)
		}
		if m.Master != 0 {
			fmt.Fprintf(b, " master:%d", m.Master)
		}
		fmt.Fprintf(b, " - %s %s %s\n", fsType(m), mountSource(m), strings.Join(superOptions(m), ","))
	}
	return b.Flush()
}

// Mounts writes /proc/pid/mounts.
//
// Source: fs/proc_namespace.c:show_vfsmnt; proc_pid_mounts(5).
func Mounts(w io.Writer, table []*decoder.Mount) error {
	b := bufio.NewWriter(w)
	for _, m := range table {
		fmt.Fprintf(b, "%s %s %s %s 0 0\n", mountSource(m), mangle(m.Point), fsType(m), MountOptions(m))
	}
	return b.Flush()
}

// MountOptions are the options as /proc/pid/mounts shows them.
func MountOptions(m *decoder.Mount) string {
	mount, super := mountOptions(m), superOptions(m)
	if super[0] == "ro" {
		mount[0] = "ro"
	}
	// Flags of the file system, of the mount, and the file system's own.
	n := len(superFlags(m))
	options := append(append([]string{mount[0]}, super[1:1+n]...), mount[1:]...)
	return strings.Join(append(options, super[1+n:]...), ",")
}

func fsType(m *decoder.Mount) string { return mangle(cmp.Or(m.FSType, "none")) }

// mountSource is escaped further: a # would begin a comment in fstab(5).
func mountSource(m *decoder.Mount) string {
	return strings.ReplaceAll(mangle(cmp.Or(m.Source, "none")), "#", `\043`)
}

var mangler = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// mangle escapes what would end a field, in octal.
//
// Source: fs/proc_namespace.c:mangle.
func mangle(s string) string { return mangler.Replace(s) }

// MS_ flags of mount(2).
const (
	msRdonly      = 1 << 0
	msNosuid      = 1 << 1
	msNodev       = 1 << 2
	msNoexec      = 1 << 3
	msSynchronous = 1 << 4
	msMandlock    = 1 << 6
	msDirsync     = 1 << 7
	msNosymfollow = 1 << 8
	msNoatime     = 1 << 10
	msNodiratime  = 1 << 11
	msRelatime    = 1 << 21
	msLazytime    = 1 << 25
)

// mountFlag is a flag with its name.
type mountFlag struct {
	bit  uint32
	name string
}

// mountOptions are those of the mount, "ro" or "rw" first.
//
// Source: fs/proc_namespace.c:show_mnt_opts.
func mountOptions(m *decoder.Mount) []string {
	return append([]string{access(m.Flags)}, named(m.Flags, []mountFlag{
		{msNosuid, "nosuid"},
		{msNodev, "nodev"},
		{msNoexec, "noexec"},
		{msNoatime, "noatime"},
		{msNodiratime, "nodiratime"},
		{msRelatime, "relatime"},
		{msNosymfollow, "nosymfollow"},
	})...)
}

// superOptions are those of the file system, "ro" or "rw" first. That a devpts
// is an instance of its own, CRIU says and the kernel does not.
//
// Source: criu/filesystems.c:devpts_parse.
func superOptions(m *decoder.Mount) []string {
	options := append([]string{access(m.SuperFlags)}, superFlags(m)...)
	own := m.Options
	if m.FSType == "devpts" {
		own = strings.TrimSuffix(strings.TrimSuffix(own, "newinstance"), ",")
	}
	if own != "" {
		options = append(options, own)
	}
	return options
}

// superFlags are the flags of the file system but "ro".
//
// Source: fs/proc_namespace.c:show_sb_opts.
func superFlags(m *decoder.Mount) []string {
	return named(m.SuperFlags, []mountFlag{
		{msSynchronous, "sync"},
		{msDirsync, "dirsync"},
		{msMandlock, "mand"},
		{msLazytime, "lazytime"},
	})
}

func access(flags uint32) string {
	if flags&msRdonly != 0 {
		return "ro"
	}
	return "rw"
}

func named(flags uint32, list []mountFlag) []string {
	var names []string
	for _, f := range list {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return names
}
