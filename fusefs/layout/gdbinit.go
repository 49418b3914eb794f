package layout

import (
	"fmt"
	"io"
	"path"

	"github.com/ckptfs/ckptfs/coredump"
	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// gdbinit is procs/<pid>/gdbinit. It names files of the mount, and gdb takes
// paths from its own working directory on, so that it alone depends on where
// the mount is.
func (p *process) gdbinit() tree.File {
	return p.text("gdbinit", func(w io.Writer) error {
		threads, err := coredump.Threads(p.Process)
		if err != nil {
			return err
		}
		s := procfmt.GDBSession{
			Core:    path.Join(p.opts.MountPoint, "cores", fmt.Sprintf("core.%d", p.PID)),
			Sysroot: path.Join(p.opts.MountPoint, "rootfs"),
			Exe:     p.executable(),
			Threads: threads,
		}
		seen := make(map[*decoder.File]bool)
		for _, v := range p.MM.VMAs {
			if v.File != nil && v.File.Refused && !seen[v.File] {
				seen[v.File] = true
				s.Refused = append(s.Refused, v.File)
			}
		}
		return procfmt.GDBInit(w, s)
	})
}

// executable is the path of the process's executable in the mount, "" where
// its bytes are not known.
func (p *process) executable() string {
	exe := p.MM.Exe
	if exe == nil {
		return ""
	}
	named := exe.Backing != nil && !exe.Deleted
	if o := p.ck.ObjectOf(exe); !named && (o == nil || !o.Known()) {
		return ""
	}
	return path.Join(p.opts.MountPoint, "procs", fmt.Sprint(p.PID), "exe")
}
