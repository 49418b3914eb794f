package procfmt_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
	"github.com/ckptfs/ckptfs/fusefs/procfmt"
	"github.com/ckptfs/ckptfs/memview"
)

func TestSystem(t *testing.T) {
	for _, test := range []struct {
		name   string
		render func(io.Writer) error
		want   string
	}{
		{"uptime", func(w io.Writer) error { return procfmt.Uptime(w, 1946690797694) }, "1946.69 0.00\n"},
		{"uptime of nothing", func(w io.Writer) error { return procfmt.Uptime(w, 0) }, "0.00 0.00\n"},
		{"uptime with a zero", func(w io.Writer) error { return procfmt.Uptime(w, time.Second+59*time.Millisecond) }, "1.05 0.00\n"},
		{"one value", func(w io.Writer) error { return procfmt.Sysctl(w, []uint64{1 << 63}) }, "9223372036854775808\n"},
		{"several values", func(w io.Writer) error { return procfmt.Sysctl(w, []uint64{1, 2, 3}) }, "1\t2\t3\n"},
		{"version", func(w io.Writer) error { return procfmt.Version(w, "6.18.44") }, "Linux version 6.18.44\n"},
	} {
		var b bytes.Buffer
		if err := test.render(&b); err != nil || b.String() != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, b.String(), err, test.want)
		}
	}
}

func TestMeminfo(t *testing.T) {
	for resident, want := range map[uint64]string{
		0:         "MemTotal:              4 kB\nMemFree:               0 kB\n",
		123 << 10: "MemTotal:            123 kB\nMemFree:               0 kB\n",
		1 << 44:   "MemTotal:       17179869184 kB\nMemFree:               0 kB\n",
	} {
		var b bytes.Buffer
		if err := procfmt.Meminfo(&b, resident); err != nil || !strings.HasPrefix(b.String(), want) {
			t.Errorf("Meminfo(%d) = %q, %v, want %q first", resident, b.String(), err, want)
		}
	}
}

// vdso is an ELF file of one program header, for notes at 0x80.
func vdso(notes ...[]byte) []byte {
	all := bytes.Join(notes, nil)
	b := make([]byte, 0x80)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 3)    // ET_DYN
	le.PutUint16(b[18:], 62)   // EM_X86_64
	le.PutUint32(b[20:], 1)    // version
	le.PutUint64(b[32:], 0x40) // program headers
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	header := b[0x40:]
	le.PutUint32(header, 4) // PT_NOTE
	le.PutUint64(header[8:], 0x80)
	le.PutUint64(header[32:], uint64(len(all)))
	return slices.Concat(b, all)
}

func note(name string, typ uint32, desc ...byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(name)+1))
	b = le.AppendUint32(b, uint32(len(desc)))
	b = le.AppendUint32(b, typ)
	pad := func(s string) []byte { return append([]byte(s), make([]byte, -len(s)&3)...) }
	return append(append(b, pad(name+"\x00")...), pad(string(desc))...)
}

func TestRelease(t *testing.T) {
	huge := vdso(note("Linux", 0, 1, 2, 3, 4))
	binary.LittleEndian.PutUint64(huge[0x40+32:], 1<<62)
	for _, test := range []struct {
		name, want string
		memory     []byte
	}{
		{"a version", "6.18.44", vdso(note("Linux", 0, 44, 18, 6, 0))},
		{"behind others", "6.18.255", vdso(note("GNU", 3, 1, 2, 3), note("Linux", 0x100, 44, 18, 6, 0), note("Linux", 0, 255, 18, 6, 0))},
		{"none", "", vdso(note("GNU", 0, 44, 18, 6, 0))},
		{"of another length", "", vdso(note("Linux", 0, 44, 18, 6))},
		{"beyond its end", "", vdso(note("Linux", 0, 44, 18, 6, 0)[:16])},
		{"notes of 2^62 bytes", "1027.2.1", huge},
		{"no ELF file", "", []byte("vdso")},
	} {
		ck := decodertest.Checkpoint{Files: map[uint32]string{1: "/sh"}, Processes: []decodertest.Process{{
			PID:  1,
			VMAs: []decodertest.VMA{{Start: 0x10000, End: 0x12000, Prot: decoder.ProtRead | decoder.ProtExec, Status: decoder.StatusRegular | decoder.StatusAnonPrivate | decoder.StatusVDSO}},
			Runs: []decodertest.Run{{Addr: 0x10000, Pages: 2, Flags: criu.PagePresent, Data: append(test.memory, make([]byte, 8192-len(test.memory))...)}},
		}}}.Open(t)
		mm := ck.Processes[0].MM
		if got := procfmt.Release(mm, memview.New(mm)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got := procfmt.Release(nil, nil); got != "" {
		t.Errorf("no memory: %q", got)
	}
}
