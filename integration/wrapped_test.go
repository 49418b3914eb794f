package integration

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wrapped are the archives that are not the plain export of an engine, with
// what their summary says of the container.
var wrapped = []struct {
	path string
	want facts
}{
	{"variants/ckimg-oci.tar", facts{
		Container: "v1", Image: "localhost/tiny:latest", Engine: "Podman", Runtime: "runc", Hostname: "vhost", IP: []string{"10.88.0.2"},
		Archive: archiveFacts{"tar", "OCI image", 135168, 5632},
	}},
	{"variants/ckimg-docker.tar", facts{
		Container: "v1", Image: "localhost/tiny:latest", Engine: "Podman", Runtime: "runc", Hostname: "vhost", IP: []string{"10.88.0.2"},
		Archive: archiveFacts{"tar", "docker-archive", 135168, 5632},
	}},
	{"containerd/ck-all.tar.zst", facts{
		Image: "localhost/tiny:latest", Engine: "containerd", Runtime: "io.containerd.runc.v2", Hostname: "vmlab",
		Archive: archiveFacts{"tar.zst", "containerd checkpoint", 1044480, 201},
	}},
	{"containerd/tasks-image-path.tar.zst", facts{Hostname: "vmlab", Archive: archiveFacts{"tar.zst", "", 1044480, 0}}},
	{"docker/docker-container-dir.tar.zst", facts{
		Container: "d1", Image: "tiny", Engine: "Docker", Runtime: "runc", Hostname: "eb721de2bbda",
		Archive: archiveFacts{"tar.zst", "Docker container", 987136, 0},
	}},
	{"docker/docker-cp1.tar.zst", facts{Hostname: "eb721de2bbda", Archive: archiveFacts{"tar.zst", "", 987136, 0}}},
	{"predump/pre.tar.zst", facts{
		Container: "pd", Image: "localhost/tiny:latest", Engine: "Podman", Runtime: "runc",
		Archive: archiveFacts{"tar.zst", "pre-checkpoint", 2031616, 0},
	}},
}

// facts are those of summary.json.
type facts struct {
	Container, Image, Engine, Runtime, Hostname string
	IP                                          []string
	Pod                                         podFacts
	Archive                                     archiveFacts
}

type podFacts struct{ Namespace, Name, UID string }

type archiveFacts struct {
	Form       string
	Kind       string `json:"checkpoint_form"`
	Pages      int64  `json:"pages_bytes"`
	RootfsDiff int64  `json:"rootfs_diff_bytes"`
}

// What an archive is wrapped in does not matter, nor whether it was unpacked:
// the summary has the container, the tree is the same.
func TestWrapped(t *testing.T) {
	for _, row := range wrapped {
		t.Run(row.path, func(t *testing.T) {
			root := mountedOnce(t, testdata(row.path))
			checkFacts(t, root, row.want)

			dir := t.TempDir()
			output(t, "tar", "-xf", testdata(row.path), "-C", dir)
			unpacked := mount(t, dir)
			row.want.Archive.Form = "directory"
			checkFacts(t, unpacked, row.want)
			for _, script := range []string{
				strings.Replace(formListing, "'%p %y %m\\n' | sort", "'%p %y\\n' | sort", 1), // tar makes up the modes of folders that are no members
				"cat procs/*/{maps,mem.idx,status} 2>/dev/null | sha256sum",
			} {
				if got, want := shell(t, unpacked, script), shell(t, root, script); got != want {
					t.Errorf("the tree of the unpacked archive is another: %s", firstDifference(got, want))
				}
			}
		})
	}
}

func checkFacts(t *testing.T, root string, want facts) {
	t.Helper()
	var got facts
	if err := json.Unmarshal([]byte(read(t, root, "summary.json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.IP) == 0 {
		got.IP = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("summary.json has %+v, want %+v", got, want)
	}
}

// What Podman says in the annotations of an image is in the summary.
func TestImageAnnotations(t *testing.T) {
	got := read(t, mountedOnce(t, testdata("variants", "ckimg-oci.tar")), "summary.json")
	for _, want := range []string{`checkpoint.criu.version": "40201"`, `checkpoint.host.kernel": "7.2.12+deb14-amd64"`, `checkpoint.podman.version": "5.8.6"`} {
		if !strings.Contains(got, want) {
			t.Errorf("summary lacks %q:\n%s", want, got)
		}
	}
}

// formListing prints what of a tree depends on the form of its archive: names,
// types and modes of the archive's members and of the root file system, with
// the sizes and link targets of the latter; images are too many.
const formListing = `
	find archive ! -name '*.img' -printf '%p %y %m\n' | sort
	find rootfs rootfs-diff \( -type f -printf '%p %y %m %s\n' -o -type l -printf '%p %y %l\n' -o -printf '%p %y %m\n' \) | sort
	sed 's/^/deleted: /' rootfs-deleted
	sed 's/^/warning: /' warnings
	find procs -mindepth 1 -maxdepth 1 -name '[0-9]*' | sort`

// The tree of every archive is the golden one, in what depends on its form.
func TestFormListing(t *testing.T) {
	for _, row := range everyArchive {
		if slices.Contains([]string{"zoo", "counter"}, filepath.Dir(row.path)) {
			continue // TestListing
		}
		golden(t, testdata(row.path+".golden"), shell(t, mountedOnce(t, testdata(row.path)), formListing))
	}
	golden(t, testdata("counter", "crio.golden"), shell(t, mountedOnce(t, crio(t)), formListing))
}

// containerd keeps the container's image beside the checkpoint: every page is
// the live process's without --rootfs.
func TestContainerdImage(t *testing.T) {
	root := mountedOnce(t, testdata("containerd", "ck-all.tar.zst"))
	for _, pid := range pids(t, filepath.Join(root, "procs")) {
		record := filepath.Join(unpackedOnce(t, "containerd", "truth.tar.zst"), strconv.Itoa(pid))
		if !exists(filepath.Join(record, "mem-pages.sha1")) {
			checkZombie(t, "containerd", pid)
			continue
		}
		p := processPages{t, "containerd", root, pid}
		sums := readSums(t, record)
		p.compareAll(sums)
		p.checkNothingElse(sums)
	}
	const script = `
		stat -c '%F %t:%T' rootfs-diff/etc/group
		cat rootfs-deleted rootfs-diff/work/ctr-new rootfs/work/ctr-new
		ls rootfs/etc
		stat -c '%F %a %s' archive/blobs/sha256/8238*.d/etc/.wh.group`
	const want = "character special file 0:0\n/etc/group\nnew\nnew\npasswd\nregular empty file 0 0\n"
	if got := shell(t, root, script); got != want {
		t.Errorf("rootfs-diff of containerd: %q, want %q", got, want)
	}
	if n := len(lines(shell(t, root, "find rootfs/bin -type f"))); n < 5 {
		t.Errorf("rootfs/bin has %d files, want the image's", n)
	}
}

// A Docker container can have several checkpoints. Which one is meant has to
// be said, with --checkpoint or by its folder.
func TestSeveralCheckpoints(t *testing.T) {
	require(t, "fuse")
	dir := t.TempDir()
	unpack(t, testdata("docker", "docker-container-dir.tar.zst"), dir)
	checkpoints, err := filepath.Glob(filepath.Join(dir, "*", "checkpoints"))
	if err != nil || len(checkpoints) != 1 {
		t.Fatal(checkpoints, err)
	}
	container := filepath.Dir(checkpoints[0])
	output(t, "cp", "-a", filepath.Join(checkpoints[0], "cp1"), filepath.Join(checkpoints[0], "cp2"))
	for _, row := range []struct {
		options []string
		says    string
	}{
		{nil, `several checkpoints: "checkpoints/cp1", "checkpoints/cp2"; choose one with --checkpoint NAME`},
		{[]string{"--checkpoint", "cp3"}, `no checkpoint "cp3", but "checkpoints/cp1", "checkpoints/cp2"`},
	} {
		m, err := newMount(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		args := append(append([]string{"mount"}, row.options...), container, m.point)
		checkRefusal(t, m, runCmd(t, commandLimit, m.command(program(t), args...)), []string{row.says})
	}
	for _, name := range []string{"cp2", "checkpoints/cp2"} {
		root := mount(t, container, "--checkpoint", name)
		checkFacts(t, root, facts{
			Container: "d1", Image: "tiny", Engine: "Docker", Runtime: "runc", Hostname: "eb721de2bbda",
			Archive: archiveFacts{"directory", "Docker container", 987136, 0}, // the pages of the one, not of both
		})
		if got := sources(t, root); !strings.HasPrefix(got[0], "archive/checkpoints/cp2/pages-") {
			t.Errorf("--checkpoint %s: bytes from %s, want them from cp2", name, got[0])
		}
	}
	checkFacts(t, mount(t, filepath.Join(checkpoints[0], "cp1")), facts{Hostname: "eb721de2bbda", Archive: archiveFacts{"directory", "", 987136, 0}})
}

// The folder that runc, crun or CRIU wrote is a checkpoint too: the processes
// are those of the whole archive.
func TestBareImages(t *testing.T) {
	for _, row := range []struct{ archive, dir string }{
		{"zoo/checkpoint.tar.zst", "checkpoint"}, // runc
		{"nonroot/nr3.tar.zst", "checkpoint"},    // crun
		{"compat/compat.tar.zst", "img"},         // CRIU itself
		{"docker/docker-cp1.tar.zst", "checkpoints/cp1"},
		{"containerd/tasks-image-path.tar.zst", "image-path"},
	} {
		t.Run(row.archive, func(t *testing.T) {
			root := mount(t, filepath.Join(unpackedOnce(t, row.archive), row.dir))
			const script = `ls procs; cat ns/uts procs/*/{comm,cmdline,maps,status,mountinfo} 2>/dev/null || true`
			if got, want := shell(t, root, script), shell(t, mountedOnce(t, testdata(row.archive)), script); got != want {
				t.Errorf("the processes are not those of the whole archive: %s", firstDifference(got, want))
			}
			for _, source := range sources(t, root) {
				if !exists(filepath.Join(root, source)) {
					t.Errorf("mem.idx names %s, which is not there", source)
				}
			}
		})
	}
}
