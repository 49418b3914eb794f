package decoder

import (
	"path"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/stats"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// Stat is a counter of the dump.
type Stat struct {
	Name  string // CRIU's, with the unit behind it: freezing_time_us
	Value uint64
}

// stats decodes the dump's statistics in the order of CRIU's message. Podman
// keeps them at the top of the archive, CRIU beside the images. An optional
// counter that the dump does not have is left out.
func (l *loader) stats() []Stat {
	name := path.Join(l.source.top, "stats-dump")
	if l.member(name) == nil {
		name = l.name("stats-dump")
	}
	if l.member(name) == nil {
		return nil
	}
	e, err := one[stats.StatsEntry](l.images, name, criu.MagicStats)
	if err != nil {
		l.warn.Add(err)
		return nil
	}
	d := e.GetDump()
	if d == nil {
		return nil
	}
	list := []Stat{
		{"freezing_time_us", uint64(d.GetFreezingTime())},
		{"frozen_time_us", uint64(d.GetFrozenTime())},
		{"memdump_time_us", uint64(d.GetMemdumpTime())},
		{"memwrite_time_us", uint64(d.GetMemwriteTime())},
		{"pages_scanned", d.GetPagesScanned()},
		{"pages_skipped_parent", d.GetPagesSkippedParent()},
		{"pages_written", d.GetPagesWritten()},
	}
	if d.IrmapResolve != nil {
		list = append(list, Stat{"irmap_resolve_us", uint64(d.GetIrmapResolve())})
	}
	list = append(list, Stat{"pages_lazy", d.GetPagesLazy()})
	for _, o := range []struct {
		name  string
		value *uint64
	}{
		{"page_pipes", d.PagePipes},
		{"page_pipe_bufs", d.PagePipeBufs},
		{"shpages_scanned", d.ShpagesScanned},
		{"shpages_skipped_parent", d.ShpagesSkippedParent},
		{"shpages_written", d.ShpagesWritten},
	} {
		if o.value != nil {
			list = append(list, Stat{o.name, *o.value})
		}
	}
	return list
}
