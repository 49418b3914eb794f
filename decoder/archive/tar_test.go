package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestMembers(t *testing.T) {
	when := time.Unix(1700000000, 0)
	link := func(name string, flag byte, target string) entry {
		return entry{tar.Header{Name: name, Typeflag: flag, Linkname: target}, ""}
	}
	a, err := openBytes(build(t,
		entry{tar.Header{Name: "./", Typeflag: tar.TypeDir}, ""},
		entry{tar.Header{Name: "./dir/", Typeflag: tar.TypeDir, Mode: 0o1755, ModTime: when}, ""},
		entry{tar.Header{
			Name: "./dir/file", Typeflag: tar.TypeReg, Mode: 0o4755, Uid: 3, Gid: 4, ModTime: when,
			PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"},
		}, "bytes"},
		link("hard", tar.TypeLink, "dir/file"),
		link("hard2", tar.TypeLink, "./hard"),
		link("soft", tar.TypeSymlink, "/etc/passwd"),
		entry{tar.Header{Name: "fifo", Typeflag: tar.TypeFifo}, ""},
		entry{tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, ""},
		entry{tar.Header{Name: "disk", Typeflag: tar.TypeBlock, Devmajor: 8, Devminor: 1}, ""},
		file(strings.Repeat("long/", 60)+"name", "x"),
	))
	if err != nil {
		t.Fatal(err)
	}
	if d := a.Damage(); len(d) > 0 {
		t.Errorf("damage %v", d)
	}
	var got []string
	for _, m := range a.Members() {
		got = append(got, fmt.Sprintf("%d %o %d:%d %d:%d %d %q %q %s", m.Type, m.Perm, m.UID, m.GID, m.Major, m.Minor, m.Nlink, m.LinkName, m.Target, m.Name))
	}
	want := []string{
		`1 1755 0:0 0:0 1 "" "" dir`,
		`0 4755 3:4 0:0 3 "" "" dir/file`,
		`0 4755 3:4 0:0 3 "dir/file" "" hard`,
		`0 4755 3:4 0:0 3 "dir/file" "" hard2`,
		`2 0 0:0 0:0 1 "" "/etc/passwd" soft`,
		`3 0 0:0 0:0 1 "" "" fifo`,
		`5 0 0:0 1:3 1 "" "" null`,
		`6 0 0:0 8:1 1 "" "" disk`,
		`0 600 0:0 0:0 1 "" "" ` + strings.Repeat("long/", 60) + "name",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("Members() =\n%s\nwant\n%s", g, w)
	}
	m := a.Lookup("dir/file")
	if m.Xattrs["security.capability"] != "\x01\x00\x00\x02" || !m.ModTime.Equal(when) {
		t.Errorf("dir/file: attributes %q, time %v", m.Xattrs, m.ModTime)
	}
	for _, name := range []string{"dir/file", "hard2"} {
		if err := iotest.TestReader(io.NewSectionReader(a.Lookup(name), 0, 5), []byte("bytes")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 256)
	link := func(name, target string) entry {
		return entry{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}, ""}
	}
	for _, test := range []struct {
		name    string
		entries []entry
		want    string // members with their content
		damage  string // part of each damage, separated by "|"
	}{
		{"absolute", []entry{file("/etc/x", "1")}, "etc/x=1", ""},
		{"empty components and dots", []entry{file(".//a/./b", "1")}, "a/b=1", ""},
		{"upwards", []entry{file("../up", "1"), file("a/../b", "2")}, "", `"../up": ".."|"a/../b": ".."`},
		{
			"through a link",
			[]entry{{tar.Header{Name: "ln", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, ""}, file("ln/passwd", "1")},
			"ln=", `"ln/passwd": passes through "ln"`,
		},
		{
			"through a link that comes later",
			[]entry{file("ln/passwd", "1"), {tar.Header{Name: "ln", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, ""}},
			"ln=", `"ln/passwd": passes through "ln"`,
		},
		{"through a file", []entry{file("a", "1"), file("a/b/c", "2")}, "a=1", `passes through "a"`},
		{"the last of one name counts", []entry{file("a", "1"), file("a", "2"), file("a", "3")}, "a=3", "more than once"},
		{"a component too long", []entry{file("d/"+long, "1")}, "", "name too long"},
		{"a path too long", []entry{file(strings.Repeat("a/", 3000)+"b", "1")}, "", "name too long"},
		{"link to a later member", []entry{link("l", "z"), file("z", "1")}, "z=1", `"l": a hard link to "z"`},
		{"link to itself", []entry{link("l", "l")}, "", `"l": a hard link to "l"`},
		{"link to what is outside", []entry{link("l", "/../etc/shadow")}, "", `"l": a hard link`},
		{"link to what is replaced later", []entry{file("a", "1"), link("l", "a"), file("a", "2")}, "l=1 a=2", "more than once"},
		{"odd bytes", []entry{file("a\nb\\\xff", "1")}, "a\nb\\\xff=1", ""},
	} {
		a, err := openBytes(build(t, test.entries...))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []string
		for _, m := range a.Members() {
			content, err := read(m)
			if err != nil {
				t.Errorf("%s: %s: %v", test.name, m.Name, err)
			}
			got = append(got, m.Name+"="+content)
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: members %q, want %q", test.name, got, test.want)
		}
		var want []string
		if test.damage != "" {
			want = strings.Split(test.damage, "|")
		}
		damage := a.Damage()
		for i, w := range want {
			if i >= len(damage) || !strings.Contains(damage[i].Error(), w) {
				t.Errorf("%s: damage %v, want %q", test.name, damage, want)
				break
			}
		}
		if len(damage) > len(want) {
			t.Errorf("%s: damage %v, want %q", test.name, damage, want)
		}
	}
}

// TestDumpDir has a folder as GNU tar writes it in an incremental archive,
// with a list of names for bytes.
func TestDumpDir(t *testing.T) {
	a, err := openBytes(
		rawHeader("d/", 'D', 5, gnu), padded("Yf\x00\x00"),
		rawHeader("d/f", '0', 2, gnu), padded("hi"), make([]byte, 2*block))
	if err != nil {
		t.Fatal(err)
	}
	if m := a.Lookup("d"); m == nil || m.Type != TypeDirectory || a.Lookup("d/f") == nil {
		t.Errorf("d = %+v, d/f = %v, damage %v", m, a.Lookup("d/f"), a.Damage())
	}
}

// TestCuts cuts an archive at each block and in each block. What is before
// the cut must read as it was, and what is behind must fail.
func TestCuts(t *testing.T) {
	full := build(t, file("a", strings.Repeat("A", 700)), file("b", strings.Repeat("B", 1500)), file("c", "C"))
	end := len(full) - 2*block // of what counts
	for cut := 0; cut < len(full); cut += block / 4 {
		a, err := openBytes(full[:cut])
		if err != nil {
			continue
		}
		clean := len(a.Damage()) == 0
		if clean && cut < end && cut != 0 {
			t.Errorf("cut at %d of %d: no damage", cut, end)
		}
		for _, m := range a.Members() {
			got, err := read(m)
			want := strings.Repeat(strings.ToUpper(m.Name), int(m.Size()))
			switch memberErr := (*MemberError)(nil); {
			case err == nil && got != want:
				t.Errorf("cut at %d: %s reads %q", cut, m.Name, got)
			case err != nil && (clean || !errors.As(err, &memberErr) || !errors.Is(err, io.ErrUnexpectedEOF)):
				t.Errorf("cut at %d: %s: error %v, damage %v", cut, m.Name, err, a.Damage())
			}
		}
	}
}

func TestFlips(t *testing.T) {
	full := build(t, file("a", "A"), file("dir/b", strings.Repeat("B", 1500)),
		entry{tar.Header{Name: "x", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"SCHILY.xattr.user.k": "v"}}, "q"})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := bytes.Clone(full)
		for range 1 + rnd.IntN(3) {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		}
		checkHostile(t, b)
	}
}

// checkHostile goes through all that can be asked of an archive of any bytes.
func checkHostile(t *testing.T, b []byte) {
	a, err := openBytes(b)
	if err != nil {
		return
	}
	p := make([]byte, 100)
	for _, m := range a.Members() {
		if a.Lookup(m.Name) != m || strings.HasPrefix(m.Name, "/") || strings.Contains("/"+m.Name+"/", "/../") {
			t.Fatalf("member %q is not to be found, or leads out", m.Name)
		}
		if m.Type != TypeRegular {
			continue
		}
		for _, off := range []int64{0, m.Size() / 2, m.Size() - 50, m.Size(), -1} {
			if n, err := m.ReadAt(p, off); n < len(p) && err == nil {
				t.Fatalf("%q: ReadAt(100, %d) = %d without an error", m.Name, off, n)
			}
		}
		for off, i := int64(0), 0; i < 100; i++ {
			data, err := m.NextData(off)
			if err != nil {
				break
			}
			if off, err = m.NextHole(data); err != nil || off <= data {
				t.Fatalf("%q: data at %d, and the next hole at %d, %v", m.Name, data, off, err)
			}
		}
		if n := m.DataSize(); n < 0 || n > m.Size() {
			t.Fatalf("%q: DataSize() = %d of %d", m.Name, n, m.Size())
		}
	}
}

func FuzzTarIndex(f *testing.F) {
	f.Add(build(f, file("a", "A"), file("dir/b", "B")))
	f.Add(bytes.Join([][]byte{oldGNUSparse(1024), make([]byte, 2*block)}, nil))
	f.Add(bytes.Join([][]byte{paxHeader("path", "p", "SCHILY.xattr.user.a", "b"), rawHeader("x", '0', 3, nil), padded("abc")}, nil))
	f.Fuzz(checkHostile)
}

func TestReadAtAllocs(t *testing.T) {
	a, err := openBytes(build(t, file("a", strings.Repeat("A", 100000))))
	if err != nil {
		t.Fatal(err)
	}
	m, p := a.Lookup("a"), make([]byte, 5000)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.ReadAt(p, 300); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ReadAt allocates %v times, want 0", n)
	}
}

func BenchmarkOpenTar(b *testing.B) {
	entries := make([]entry, 100_000)
	for i := range entries {
		entries[i] = file(fmt.Sprintf("dir-%d/file-%d", i%100, i), "")
	}
	data := build(b, entries...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openBytes(data); err != nil {
			b.Fatal(err)
		}
	}
}
