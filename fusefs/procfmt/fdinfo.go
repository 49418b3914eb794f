package procfmt

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ckptfs/ckptfs/decoder"
)

// FDInfo writes /proc/pid/fdinfo/n of a descriptor of p. What CRIU does not
// save is 0; [Unavailable] lists it.
//
// Source: fs/proc/fd.c:seq_show; proc_pid_fdinfo(5).
func FDInfo(w io.Writer, p *decoder.Process, d decoder.Descriptor) error {
	const closeOnExec = 0o2000000 // O_CLOEXEC
	b := bufio.NewWriter(w)
	f := d.File
	flags := f.Flags &^ closeOnExec
	if d.CloseOnExec {
		flags |= closeOnExec
	}
	fmt.Fprintf(b, "pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", f.Pos, flags, max(f.MountID, 0), f.Ino)
	writeLocks(b, p, f)
	switch d := f.Details.(type) {
	case *decoder.Eventfd:
		fmt.Fprintf(b, "eventfd-count: %16x\neventfd-id: 0\neventfd-semaphore: 0\n", d.Count)
	case *decoder.Epoll:
		for _, t := range d.Watches {
			fmt.Fprintf(b, "tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n", t.FD, t.Events, t.Data, t.Pos, t.Ino, t.Dev)
		}
	case *decoder.Signalfd:
		fmt.Fprintf(b, "sigmask:\t%016x\n", d.Mask)
	case *decoder.Timerfd:
		fmt.Fprintf(b, "clockid: %d\nticks: %d\nsettime flags: 0%o\nit_value: (%d, %d)\nit_interval: (%d, %d)\n",
			d.Clock, d.Ticks, d.Flags, d.Value.Sec, d.Value.Nsec, d.Interval.Sec, d.Interval.Nsec)
	case *decoder.Inotify:
		for _, t := range d.Watches {
			fmt.Fprintf(b, "inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0 %s\n", t.WD, t.Ino, t.Dev, t.Mask, fileHandle(t.Handle))
		}
	case *decoder.Fanotify:
		writeFanotify(b, d)
	case *decoder.BPFMap:
		fmt.Fprintf(b, "map_type:\t%d\nkey_size:\t%d\nvalue_size:\t%d\nmax_entries:\t%d\nmap_flags:\t%s\nmap_extra:\t%s\nmemlock:\t%d\nmap_id:\t%d\nfrozen:\t%d\n",
			d.Type, d.KeySize, d.ValueSize, d.MaxEntries, alternate(uint64(d.Flags)), alternate(d.Extra), d.MemLock, d.ID, oneIf(d.Frozen))
	case *decoder.Pidfd:
		fmt.Fprintf(b, "Pid:\t%d\nNSpid:\t%d\n", d.PID, d.PID)
	case *decoder.Tun:
		fmt.Fprintf(b, "iff:\t%s\n", d.Device)
	case *decoder.Socket:
		if d.Unix != nil {
			fmt.Fprintf(b, "scm_fds: %d\n", d.Files)
		}
	case *decoder.Terminal:
		if d.Master {
			fmt.Fprintf(b, "tty-index:\t%d\n", d.Index)
		}
	}
	return b.Flush()
}

// writeFanotify writes the lines of a fanotify group.
//
// Source: fs/notify/fdinfo.c:fanotify_show_fdinfo, fanotify_fdinfo.
func writeFanotify(b *bufio.Writer, d *decoder.Fanotify) {
	fmt.Fprintf(b, "fanotify flags:%x event-flags:%x\n", d.Flags, d.EventFlags)
	for _, m := range d.Marks {
		if m.OfMount {
			fmt.Fprintf(b, "fanotify mnt_id:%x mflags:%x mask:%x ignored_mask:%x\n", m.MountID, m.Flags, m.Mask, m.Ignore)
		} else {
			fmt.Fprintf(b, "fanotify ino:%x sdev:%x mflags:%x mask:%x ignored_mask:%x %s\n",
				m.Ino, m.Dev, m.Flags, m.Mask, m.Ignore, fileHandle(m.Handle))
		}
	}
}

// fileHandle writes a file handle.
//
// Source: fs/notify/fdinfo.c:show_mark_fhandle.
func fileHandle(h decoder.FileHandle) string {
	return fmt.Sprintf("fhandle-bytes:%x fhandle-type:%x f_handle:%x", len(h.Bytes), h.Type, h.Bytes)
}

// alternate is a number as the kernel's %#x has it: 0 without a prefix.
func alternate(n uint64) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", n)
}
