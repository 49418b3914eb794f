package layout

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/report"
	"github.com/ckptfs/ckptfs/fusefs/tree"
	"github.com/ckptfs/ckptfs/memview"
)

// recovery is what stands in recovered/ beside its index and its sums.
type recovery struct {
	files []recoveredFile // sorted by name
	names map[*decoder.Object]string
}

type recoveredFile struct {
	name string
	*decoder.Object
	tree.Node
}

// recovered is recovered/: what no longer has a name, or never had one.
func (b *builder) recovered() tree.Dir {
	return tree.LazyDir(b.dirAttr(), func() ([]tree.Entry, error) {
		entries := []tree.Entry{{Name: "index", Node: b.text("recovered/index", b.recoveredIndex)}}
		summed := false
		for _, f := range b.recovery().files {
			entries = append(entries, tree.Entry{Name: f.name, Node: f.Node})
			_, regular := f.Node.(tree.File)
			summed = summed || regular
		}
		if summed { // sha256sum -c fails on an empty list
			entries = append(entries, tree.Entry{Name: "SHA256SUMS", Node: b.sums(b.recoveredSums)})
		}
		return sorted(entries), nil
	})
}

// findRecovered makes the files of all objects. Of two that would have one name the
// second gets a number behind it.
func (b *builder) findRecovered() *recovery {
	r := &recovery{names: make(map[*decoder.Object]string)}
	taken := make(map[string]int)
	for _, o := range b.ck.Objects() {
		plain := b.recoveredName(o)
		name := plain
		for taken[name] > 0 {
			taken[plain]++
			name = fmt.Sprintf("%s.%d", plain, taken[plain])
		}
		taken[name]++
		r.names[o] = name
		r.files = append(r.files, recoveredFile{name, o, b.objectNode("recovered/"+name, o)})
	}
	slices.SortFunc(r.files, func(x, y recoveredFile) int { return strings.Compare(x.name, y.name) })
	return r
}

// recoveredIndex writes recovered/index.
func (b *builder) recoveredIndex(w io.Writer) error {
	var rows []report.RecoveredFile
	for _, f := range b.recovery().files {
		row := report.RecoveredFile{Object: f.Object, Name: f.name, Kind: objectKind(f.Object)}
		if file, ok := f.Node.(tree.File); ok {
			c, err := file.Content()
			if err != nil {
				row.Size, row.Data = -1, -1
			} else {
				row.Size, row.Data = c.Size(), c.Size()
			}
			if e, ok := c.(tree.Extents); ok {
				row.Data = e.DataSize()
			}
		}
		if f.Memory != nil {
			for seg := range memview.NewObject(f.Memory).Data() {
				if row.Pieces++; row.Source == "" && seg.Src != nil {
					row.Source, row.Offset = seg.Src.Name, seg.Off
				}
			}
		} else if f.Bytes != nil && row.Data > 0 {
			row.Source, row.Offset, row.Pieces = f.Bytes.Name, f.Bytes.Fragments[0].At, len(f.Bytes.Fragments)
		}
		rows = append(rows, row)
	}
	return report.Recovered(w, rows)
}

// recoveredSums lists the files whose sums are in recovered/SHA256SUMS.
func (b *builder) recoveredSums() []summed {
	var list []summed
	left := holes(maxHoles)
	for _, f := range b.recovery().files {
		if file, ok := f.Node.(tree.File); ok {
			sum := once(file.Content)
			if c, err := file.Content(); err == nil && !left.take(c) {
				sum = tooManyHoles
			}
			list = append(list, summed{f.name, sum})
		}
	}
	return list
}
