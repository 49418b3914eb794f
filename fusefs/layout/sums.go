package layout

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// summed is a file of a list of sums.
type summed struct {
	name string        // from the directory on that the list is of
	sum  func() string // of its content: 64 digits, or why there is none
}

// sums is a list of SHA-256 sums in the form of sha256sum(1). The file has a
// size without any of them, for a line is as long whatever the sum is:
//
//	<64 hexadecimal digits>  <name>
//	\<64 hexadecimal digits>  <name with backslashes, newlines and carriage returns escaped>
//
// A sum is taken when its line is first read, and kept: who reads the list
// through has every byte of the files read, once. The line of a file that
// cannot be read is a comment, which sha256sum -c passes over.
type sums struct{ lines []sumLine }

type sumLine struct {
	summed
	prefix, tail string // before and behind the sum
	end          int64  // of the line, in the file
}

// sums is a file SHA256SUMS over what list gives.
func (b *builder) sums(list func() []summed) tree.File {
	return tree.ContentFile(b.fileAttr(), func() (tree.Content, error) { return newSums(list()), nil })
}

const sumDigits = 2 * sha256.Size

func newSums(list []summed) *sums {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
	s := &sums{make([]sumLine, 0, len(list))}
	var end int64
	for _, f := range list {
		line := sumLine{summed: f, tail: "  " + escape.Replace(f.name) + "\n"}
		if strings.ContainsAny(f.name, "\\\n\r") {
			line.prefix = `\`
		}
		end += int64(len(line.prefix) + sumDigits + len(line.tail))
		line.end = end
		s.lines = append(s.lines, line)
	}
	return s
}

func (l *sumLine) text() string {
	sum := l.sum()
	if strings.HasPrefix(sum, "#") {
		return fmt.Sprintf("%-*s", len(l.prefix)+sumDigits, sum) + l.tail
	}
	return l.prefix + sum + l.tail
}

// Size is the number of bytes.
func (s *sums) Size() int64 {
	if len(s.lines) == 0 {
		return 0
	}
	return s.lines[len(s.lines)-1].end
}

// ReadAt reads at an offset, and takes the sums of the lines that p meets.
func (s *sums) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	i := sort.Search(len(s.lines), func(i int) bool { return s.lines[i].end > off })
	for ; i < len(s.lines) && n < len(p); i++ {
		text := s.lines[i].text()
		start := s.lines[i].end - int64(len(text))
		n += copy(p[n:], text[off+int64(n)-start:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// maxHoles is how many bytes of holes are summed up, of all files of a list
// together: a hostile archive can make them up without end.
const maxHoles = 16 << 30

// holes are how many bytes of holes there is still room for in a list.
type holes int64

// take takes those of a file. It is false where there is no room for them.
func (left *holes) take(c any) bool {
	f, sparse := c.(interface {
		Size() int64
		DataSize() int64
	})
	if !sparse {
		return true
	}
	n := holes(f.Size() - f.DataSize())
	if n > *left {
		return false
	}
	*left -= n
	return true
}

// tooManyHoles stands for the sum of a file that has them.
func tooManyHoles() string { return "# has too many holes:" }

// once takes the sum of a file, once.
func once(open func() (tree.Content, error)) func() string {
	return sync.OnceValue(func() string {
		const unreadable = "# cannot be read:"
		c, err := open()
		if err != nil {
			return unreadable
		}
		h := sha256.New()
		if _, err := io.CopyBuffer(h, io.NewSectionReader(c, 0, c.Size()), make([]byte, 256<<10)); err != nil {
			return unreadable
		}
		return hex.EncodeToString(h.Sum(nil))
	})
}

// archiveSums lists the files of archive/ that are the archive's own members.
func (b *builder) archiveSums() []summed {
	byMember := make(map[string]func() string) // the names of a file share its sum
	left := holes(maxHoles)
	var list []summed
	var walk func(dir string, d *branch)
	walk = func(dir string, d *branch) {
		children := d.list()
		for _, name := range slices.Sorted(maps.Keys(children)) {
			child := children[name]
			switch at := path.Join(dir, name); {
			case !tree.LegalName(name):
			case child.isDir():
				walk(at, child)
			case child.member.Type == archive.TypeRegular:
				first := cmp.Or(child.member.LinkName, child.member.Name)
				if byMember[first] == nil {
					byMember[first] = tooManyHoles
					if left.take(child.member) {
						byMember[first] = once(func() (tree.Content, error) { return b.member(child.member), nil })
					}
				}
				list = append(list, summed{at, byMember[first]})
			}
		}
	}
	walk("", grow("archive", b.ck.Archive.Members()))
	return list
}
