package archive

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
	"time"
)

// The folder that a tar was made of is no member, but what was recorded of it is
// there, also before the tar is opened.
func TestFolder(t *testing.T) {
	when := time.Unix(1700000000, 0)
	folder := entry{tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o1777, Uid: 5, Gid: 6, ModTime: when}, ""}
	a, far := file("./a", "A"), file("./far", strings.Repeat("x", maxHead))
	for _, test := range []struct {
		name      string
		tar       []byte
		all, head bool // whether it is found in all of the tar, and in its head
	}{
		{"first", build(t, folder, a), true, true},
		{"second", build(t, a, folder), true, true},
		{"behind the head", build(t, far, folder), true, false},
		{"large", build(t, folder, far), true, true},
		{"cut short", build(t, folder, far)[:3*block], true, true},
		{"gzip", gz(t, build(t, folder, a)), true, true},
		{"xz", xzip(t, build(t, folder, a)), true, true},
		{"zstd", zst(t, build(t, folder, a)), true, true},
		{"gzip, behind what is empty", bytes.Join([][]byte{bytes.Repeat(gz(t, nil), maxPackedHead/20), gz(t, build(t, folder, a))}, nil), true, false},
		{"none", build(t, a), false, false},
		{"a file of that name", build(t, entry{tar.Header{Name: ".", Typeflag: tar.TypeReg}, "x"}, a), false, false},
		{"empty", nil, false, false},
		{"no tar", []byte("no tar"), false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			check := func(what string, m *Member, want bool) {
				if (m != nil) != want {
					t.Errorf("%s: %v, want one: %v", what, m, want)
				}
				if m != nil && (m.Type != TypeDirectory || m.Perm != 0o1777 || m.UID != 5 || m.GID != 6 || !m.ModTime.Equal(when)) {
					t.Errorf("%s: %+v, want what was recorded", what, m)
				}
			}
			check("FolderOf", FolderOf(bytes.NewReader(test.tar), int64(len(test.tar))), test.head)
			a, err := OpenNested(bytes.NewReader(test.tar), int64(len(test.tar)), Options{SpoolDir: t.TempDir()})
			if err != nil {
				check("Folder: "+err.Error(), nil, test.all)
				return
			}
			defer a.Close()
			check("Folder", a.Folder(), test.all)
			check("Folder of a part", a.Without(func(*Member) bool { return false }).Folder(), test.all)
			if len(a.Members()) > 1 || a.Lookup("") != nil {
				t.Errorf("members: %v, want at most one", a.Members())
			}
		})
	}
}
