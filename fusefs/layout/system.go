package layout

import (
	"fmt"
	"io"
	"strings"

	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// system is what stands at the top of procs/ beside the processes, each of
// which is a node of that PID. It shows the machine as the first process saw
// it.
func (b *builder) system(procs []*process) []tree.Entry {
	text := b.texts("procs")
	entries := []tree.Entry{
		{Name: "cpuinfo", Node: tree.Bytes(b.fileAttr(), nil)}, // ps fails where it is missing
		text("loadavg", procfmt.Loadavg),
		text("meminfo", func(w io.Writer) error { return procfmt.Meminfo(w, resident(procs)) }),
		text("stat", procfmt.SystemStat),
		{Name: "sys", Node: b.sys(procs)},
		text("unavailable", procfmt.SystemUnavailable),
		text("uptime", func(w io.Writer) error { return procfmt.Uptime(w, b.ck.Uptime) }),
		text("version", func(w io.Writer) error { return procfmt.Version(w, release(procs)) }),
	}
	if len(procs) == 0 {
		return entries
	}
	first := procs[0]
	entries = append(entries,
		text("mounts", func(w io.Writer) error { return procfmt.Mounts(w, b.ck.MountTable(first.Process)) }),
		// Without what is ours: whoever reads all of procs/ has it from the
		// process's own directory.
		tree.Entry{Name: "self", Node: first.dir(func() []tree.Entry { return sorted(first.ofKernel()) })},
	)
	if ns := b.ck.IPCOf(first.Process); ns != nil {
		entries = append(entries, tree.Entry{Name: "sysvipc", Node: tree.NewDir(b.dirAttr(), b.sysvipc("procs/sysvipc", *ns))})
	}
	return entries
}

// sys is procs/sys/.
func (b *builder) sys(procs []*process) tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		files := map[string]func(io.Writer) error{
			"kernel/osrelease": line(func() string { return release(procs) }),
			"kernel/ostype":    line(func() string { return "Linux" }),
			"kernel/pid_max":   line(func() string { return fmt.Sprint(b.ck.LastPID() + 1) }),
		}
		if len(procs) > 0 {
			first := procs[0].Process
			if ns := b.ck.UTSOf(first); ns != nil {
				files["kernel/hostname"] = line(func() string { return ns.NodeName })
				files["kernel/domainname"] = line(func() string { return ns.DomainName })
			}
			if ns := b.ck.IPCOf(first); ns != nil {
				for _, s := range ns.Sysctls {
					files[s.Name] = func(w io.Writer) error { return procfmt.Sysctl(w, s.Values) }
				}
			}
		}
		return b.nested("procs/sys", files), nil
	})
}

// line renders a line.
func line(text func() string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text())
		return err
	}
}

// nested puts text files into the folders that their names say. dir is where
// they stand in the mount.
func (b *builder) nested(dir string, files map[string]func(io.Writer) error) []tree.Entry {
	folders := make(map[string]map[string]func(io.Writer) error)
	text := b.texts(dir)
	var entries []tree.Entry
	for name, render := range files {
		folder, rest, below := strings.Cut(name, "/")
		if !below {
			entries = append(entries, text(name, render))
			continue
		}
		if folders[folder] == nil {
			folders[folder] = make(map[string]func(io.Writer) error)
		}
		folders[folder][rest] = render
	}
	for name, below := range folders {
		entries = append(entries, tree.Entry{Name: name, Node: tree.NewDir(b.dirAttr(), b.nested(dir+"/"+name, below))})
	}
	return sorted(entries)
}

// resident is what the processes have in memory together, in bytes.
func resident(procs []*process) (sum uint64) {
	for _, p := range procs {
		sum += p.sizes().Resident()
	}
	return sum
}

// release is that of the kernel, by the first vDSO that tells it.
func release(procs []*process) string {
	for _, p := range procs {
		if r := procfmt.Release(p.MM, p.space()); r != "" {
			return r
		}
	}
	return "0.0.0"
}
