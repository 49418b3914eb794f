package integration

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// changed lists pages that the live process, recorded after the dump, no
// longer had as they were dumped.
var changed = []struct {
	fixture string
	pid     int
	span
	why string
}{
	{"counter", 1, span{0x7f5ed1fbc000, 0x7f5ed1fbd000}, "the thread's struct rseq, rewritten as it was scheduled"},
	{"counter", 6, span{0x00a6a000, 0x00a6c000}, "counter.py polls: python's static data"},
	{"counter", 6, span{0x00ac6000, 0x00ac7000}, "counter.py polls: python's bss"},
	{"counter", 6, span{0x14648000, 0x14649000}, "counter.py polls: heap"},
	{"counter", 6, span{0x7f68e2f18000, 0x7f68e2f68000}, "counter.py polls: three pages of python's arenas"},
	{"counter", 6, span{0x7f68e34d2000, 0x7f68e34d3000}, "the thread's struct rseq"},
	{"counter", 6, span{0x7ffc89592000, 0x7ffc89593000}, "counter.py polls: stack"},
	{"zoo", 1, span{0x7f93d71fc000, 0x7f93d71fd000}, "a worker's struct rseq"},
	{"zoo", 1, span{0x7f93d79fd000, 0x7f93d79fe000}, "a worker's struct rseq"},
	{"zoo", 1, span{0x7f93d81fe000, 0x7f93d81ff000}, "a worker's struct rseq"},
	{"zoo", 1, span{0x7f9418c8e000, 0x7f9418c8f000}, "the leader's struct rseq"},
}

func changedSince(fixture string, pid int, addr uint64) bool {
	for _, c := range changed {
		if c.fixture == fixture && c.pid == pid && c.holds(addr) {
			return true
		}
	}
	return false
}

// eachProcess runs f for every process that has memory in the full fixtures.
func eachProcess(t *testing.T, f func(t *testing.T, fixture string, pid int)) {
	for _, fixture := range full {
		root := sharedMount(t, fixture)
		for _, pid := range pids(t, filepath.Join(root, "procs")) {
			if _, err := os.Stat(filepath.Join(root, "procs", fmt.Sprint(pid), "mem")); err != nil {
				checkZombie(t, fixture, pid)
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", fixture, pid), func(t *testing.T) { f(t, fixture, pid) })
		}
	}
}

// Every page of private memory that was captured reads as the live process had
// it: through mem, mem.d and the core file.
func TestMemoryIsTheLiveProcess(t *testing.T) {
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root, record := sharedMount(t, fixture), filepath.Join(truth(t, fixture), fmt.Sprint(pid))
		captured := readOracle(t, filepath.Join(contents(t, fixture), "checkpoint"), pid)
		vmas := parseMaps(t, read(t, record, "maps"))
		vs := views(t, root, pid)
		compared := 0
		for _, line := range lines(read(t, record, "mem-pages.sha1")) {
			address, sum, _ := strings.Cut(line, " ")
			addr, err := strconv.ParseUint(address, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			if captured[addr] == nil || !inPrivate(vmas, addr) || changedSince(fixture, pid, addr) {
				continue
			}
			compared++
			for _, v := range vs {
				page := make([]byte, pageSize)
				if err := v.page(addr, page); err != nil {
					t.Errorf("%s at %x: %v", v.name, addr, err)
					continue
				}
				got := sha1.Sum(page)
				if hex.EncodeToString(got[:]) != sum {
					t.Errorf("%s at %x = SHA-1 %x, want %s", v.name, addr, got, sum)
				}
			}
		}
		if least := len(captured) / 2; compared < least {
			t.Errorf("compared %d pages, want at least %d of the %d captured", compared, least, len(captured))
		}
	})
}

func inPrivate(vmas []mapsLine, addr uint64) bool {
	for _, v := range vmas {
		if v.holds(addr) {
			return v.private()
		}
	}
	return false
}

// Every page that a naive reader finds in the archive reads the same in the
// mount, those that the live process changed since among them.
func TestMemoryIsTheArchive(t *testing.T) {
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root := sharedMount(t, fixture)
		captured := readOracle(t, filepath.Join(contents(t, fixture), "checkpoint"), pid)
		for _, v := range views(t, root, pid) {
			got := make([]byte, pageSize)
			for addr, want := range captured {
				if err := v.page(addr, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s at %x is not the archive's page (%v)", v.name, addr, err)
				}
			}
		}
	})
}

// What is not mapped gives EIO, and a read that runs into it the bytes before.
func TestMemoryFaults(t *testing.T) {
	eachProcess(t, func(t *testing.T, fixture string, pid int) {
		root := sharedMount(t, fixture)
		mem := open(t, root, "procs", fmt.Sprint(pid), "mem")
		if fi, err := mem.Stat(); err != nil || fi.Size() != 0 {
			t.Errorf("mem: size %d, want 0 (%v)", fi.Size(), err)
		}
		for _, addr := range []int64{0, 0x1000, 0x7fffffffe000} {
			if n, err := mem.ReadAt(make([]byte, 16), addr); n != 0 || !errors.Is(err, syscall.EIO) {
				t.Errorf("read of mem at unmapped %#x = %d, %v, want 0 and EIO", addr, n, err)
			}
		}
		var known []span
		for _, l := range parseIdx(t, read(t, root, "procs", fmt.Sprint(pid), "mem.idx")) {
			if l.known() {
				known = append(known, l.span)
			}
		}
		for _, s := range merged(known) {
			n, err := syscall.Pread(int(mem.Fd()), make([]byte, 64), int64(s.end-16))
			if n != 16 || err != nil {
				t.Errorf("read of 64 bytes of mem 16 before the end of %v = %d, %v, want 16", s, n, err)
			}
			n, err = syscall.Pread(int(mem.Fd()), make([]byte, 16), int64(s.end))
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("read of mem at the end of %v = %d, %v, want EIO", s, n, err)
			}
		}
	})
}
