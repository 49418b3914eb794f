package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fd/ has the live process's descriptors, with the kernel's text of each in the
// extended attribute, and, of what is no path and leads nowhere, as the link
// itself.
func TestDescriptors(t *testing.T) {
	eachRecorded(t, func(t *testing.T, got, want string) {
		if !exists(filepath.Join(want, "fd.txt")) || !exists(filepath.Join(got, "regs")) {
			return
		}
		record := make(map[string]string)
		for _, line := range lines(read(t, want, "fd.txt")) {
			fd, target, _ := strings.Cut(line, " -> ")
			record[fd] = target
		}
		for _, fd := range pids(t, filepath.Join(got, "fd")) {
			name := filepath.Join(got, "fd", strconv.Itoa(fd))
			raw := rawTarget(t, name)
			if raw != record[strconv.Itoa(fd)] {
				t.Errorf("%s -> %q, want %q", name, raw, record[strconv.Itoa(fd)])
			}
			link, err := os.Readlink(name)
			check(t, err)
			if strings.HasPrefix(link, "../../../recovered/") {
				if !exists(name) || strings.HasPrefix(raw, "/") && !strings.HasSuffix(raw, " (deleted)") && !strings.HasPrefix(raw, "/dev/pts/") {
					t.Errorf("%s -> %q, of %q", name, link, raw)
				}
			} else if want := strings.TrimPrefix(raw, "/"); strings.HasPrefix(raw, "/") && link != "../../../rootfs/"+want || !strings.HasPrefix(raw, "/") && link != raw {
				t.Errorf("%s -> %q, of %q", name, link, raw)
			}
			delete(record, strconv.Itoa(fd))
		}
		if len(record) > 0 {
			t.Errorf("%s/fd lacks %v", got, record)
		}
	})
}
