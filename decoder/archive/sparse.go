package archive

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

// Piece is a piece of a sparse file's data.
type Piece struct {
	Off, End int64 // in the file
	At       int64 // of Off, in what holds the data
}

// Assemble is a file of that name and size whose data lies in pieces in r. They
// must be sorted and disjoint, none empty, and none reach past the end; what
// lies between them are holes.
func Assemble(name string, r io.ReaderAt, size int64, pieces []Piece) *Member {
	return &Member{Name: name, size: size, body: newSparse(r, pieces, size)}
}

// sparse is a body with holes.
//
//	member   ....[ first ]......[ second ]...
//	archive      [ first ][ second ]
type sparse struct {
	r      io.ReaderAt
	pieces []Piece // sorted, disjoint, none empty; those of a member stand one behind the other in the archive
	size   int64
	data   int64 // bytes of all pieces
}

func newSparse(r io.ReaderAt, pieces []Piece, size int64) *sparse {
	return &sparse{r, pieces, size, dataOf(pieces)}
}

// dataOf is how many bytes pieces have together.
func dataOf(pieces []Piece) (n int64) {
	for _, p := range pieces {
		n += p.End - p.Off
	}
	return n
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for i := s.find(off); n < len(p); {
		pos := off + int64(n)
		if i == len(s.pieces) || pos < s.pieces[i].Off {
			end := s.size
			if i < len(s.pieces) {
				end = s.pieces[i].Off
			}
			hole := p[n:min(int64(len(p)), int64(n)+end-pos)]
			clear(hole)
			n += len(hole)
			continue
		}
		f := &s.pieces[i]
		data := p[n:min(int64(len(p)), int64(n)+f.End-pos)]
		m, err := s.r.ReadAt(data, f.At+pos-f.Off)
		n += m
		if m < len(data) {
			return n, err
		}
		i++
	}
	return n, nil
}

// find is the index of the first piece that ends behind off.
func (s *sparse) find(off int64) int {
	return sort.Search(len(s.pieces), func(i int) bool { return s.pieces[i].End > off })
}

func (s *sparse) nextData(off int64) (int64, error) {
	i := s.find(off)
	if i == len(s.pieces) {
		return 0, io.EOF
	}
	return max(off, s.pieces[i].Off), nil
}

func (s *sparse) nextHole(off int64) (int64, error) {
	for _, f := range s.pieces[s.find(off):] {
		if f.Off > off {
			break
		}
		off = f.End
	}
	return off, nil
}

func (s *sparse) dataSize() int64 { return s.data }

// sparseMap finds the pieces of a sparse member, which archive/tar knows
// and does not tell. There are four formats:
//
//	old GNU   typeflag S; pairs of numbers in the header and in blocks behind it
//	PAX 0.0   repeated records, which archive/tar joins to a map as in 0.1
//	PAX 0.1   record GNU.sparse.map: off,len,off,len
//	PAX 1.0   records GNU.sparse.major 1, minor 0; the map stands in front of
//	          the data: the number of pairs and then the numbers, a line each
//
// Source: GNU tar manual, "Storing Sparse Files"; archive/tar.
func sparseMap(s *headerSource, h *tar.Header) (pieces []Piece, isSparse bool, err error) {
	var numbers []int64
	switch {
	case h.Typeflag == tar.TypeGNUSparse:
		numbers, err = oldSparseMap(s)
	case h.PAXRecords["GNU.sparse.major"] == "1" && h.PAXRecords["GNU.sparse.minor"] == "0":
		numbers, err = sparseMap10(s)
	case h.PAXRecords["GNU.sparse.map"] != "":
		numbers, err = parseNumbers(strings.Split(h.PAXRecords["GNU.sparse.map"], ","))
	default:
		return nil, false, nil
	}
	if err == nil {
		pieces, err = layOut(numbers, h.Size, s.pos)
	}
	if err == nil {
		err = checkStored(s, h, pieces)
	}
	if err != nil {
		err = fmt.Errorf("sparse map: %w", err)
	}
	return pieces, true, err
}

var errSparseMap = errors.New("impossible")

// layOut checks pairs of offset and length, and gives each its place from at
// on.
func layOut(numbers []int64, size, at int64) ([]Piece, error) {
	if len(numbers)%2 != 0 {
		return nil, errSparseMap
	}
	var pieces []Piece
	var end int64
	for i := 0; i < len(numbers); i += 2 {
		off, length := numbers[i], numbers[i+1]
		if off < end || length < 0 || off > size || length > size-off {
			return nil, errSparseMap
		}
		end = off + length
		if length > 0 {
			pieces = append(pieces, Piece{off, end, at})
		}
		at += length
	}
	return pieces, nil
}

// checkStored holds the pieces against the bytes that the archive stores
// for the member. Were there more of them, they would be another member's.
func checkStored(s *headerSource, h *tar.Header, pieces []Piece) error {
	at, b, err := mainHeader(s)
	if err != nil {
		return err
	}
	stored, err := headerNumber(b[124:136])
	if size, ok := h.PAXRecords["size"]; ok && err == nil {
		stored, err = strconv.ParseInt(size, 10, 64)
	}
	if err != nil {
		return err
	}
	if h.Typeflag != tar.TypeGNUSparse {
		stored -= s.pos - at - block // the map of PAX 1.0, which counts as stored
	}
	if data := dataOf(pieces); data != stored {
		return fmt.Errorf("%d bytes of data where %d are stored", data, stored)
	}
	return nil
}

func parseNumbers(text []string) ([]int64, error) {
	numbers := make([]int64, 0, len(text))
	for _, s := range text {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, errSparseMap
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// sparseMap10 reads the map of PAX 1.0 again, which archive/tar has read and
// checked: it stands right behind the main header.
func sparseMap10(s *headerSource) ([]int64, error) {
	at, _, err := mainHeader(s)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(io.NewSectionReader(s.r, at+block, s.pos-at-block))
	var text []string
	for want := int64(-1); want != int64(len(text)) && lines.Scan(); {
		if want >= 0 {
			text = append(text, lines.Text())
			continue
		}
		pairs, err := strconv.ParseInt(lines.Text(), 10, 32)
		if err != nil || pairs < 0 {
			return nil, errSparseMap
		}
		want = 2 * pairs
	}
	return parseNumbers(text)
}

// oldSparseMap reads the pairs of the old GNU format, numbers of 12 bytes:
//
//	header     386  4 pairs    482  u8: a block with more pairs follows
//	block        0  21 pairs   504  u8: another one follows
func oldSparseMap(s *headerSource) ([]int64, error) {
	at, b, err := mainHeader(s)
	if err != nil {
		return nil, err
	}
	pairs, more := b[386:482], b[482]
	var numbers []int64
	for {
		for ; len(pairs) >= 24 && pairs[0] != 0; pairs = pairs[24:] {
			for _, field := range [][]byte{pairs[:12], pairs[12:24]} {
				n, err := headerNumber(field)
				if err != nil {
					return nil, err
				}
				numbers = append(numbers, n)
			}
		}
		if more == 0 {
			return numbers, nil
		}
		at += block
		// archive/tar has been through all of them, up to where it stands.
		if at >= s.pos {
			return nil, errSparseMap
		}
		if n, err := s.r.ReadAt(b[:], at); n < block {
			return nil, err
		}
		pairs, more = b[:504], b[504]
	}
}

// mainHeader finds the header proper of the current member, behind those that
// carry a long name or PAX records.
func mainHeader(s *headerSource) (at int64, b [block]byte, err error) {
	for at = s.first; at >= 0 && at < s.pos; {
		if n, err := s.r.ReadAt(b[:], at); n < block {
			return 0, b, err
		}
		switch b[156] {
		case tar.TypeXHeader, tar.TypeXGlobalHeader, tar.TypeGNULongName, tar.TypeGNULongLink:
			size, err := headerNumber(b[124:136])
			if err != nil {
				return 0, b, err
			}
			at += block + (size+block-1)/block*block
		default:
			return at, b, nil
		}
	}
	return 0, b, errSparseMap
}

// headerNumber decodes a number of a header: octal, or, with the top bit set,
// big-endian in base 256.
func headerNumber(field []byte) (int64, error) {
	if field[0]&0x80 != 0 {
		var n int64
		for _, c := range append([]byte{field[0] & 0x7f}, field[1:]...) {
			if n > 1<<54 {
				return 0, errSparseMap
			}
			n = n<<8 | int64(c)
		}
		return n, nil
	}
	text := strings.Trim(string(field), " \x00")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 8, 64)
	if err != nil || n < 0 {
		return 0, errSparseMap
	}
	return n, nil
}
