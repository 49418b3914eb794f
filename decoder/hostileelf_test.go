package decoder_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fown"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/decoder/archive"
	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/decodertest"
)

// greedyELF is the beginning of an ELF file that says to have a table of names
// of that many bytes, and as many notes as there can be.
func greedyELF(names uint64) []byte {
	var b bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	const notes = 65534
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Phentsize: 56, Shentsize: 64, Shnum: 2, Shstrndx: 1, Shoff: 64, Phoff: 64 + 2*64, Phnum: notes,
	}
	write(h)
	write(elf.Section64{})
	write(elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: 0, Size: names})
	for range notes {
		write(elf.Prog64{Type: uint32(elf.PT_NOTE), Off: 4 << 20, Filesz: 64 << 10})
	}
	return b.Bytes()
}

// regWithBuildID is a file that is known by its build-id.
func regWithBuildID(id uint32, name string) proto.Message {
	zero := func() *uint32 { return proto.Uint32(0) }
	return &fdinfo.FileEntry{Type: fdinfo.FdTypes_REG.Enum(), Id: &id, Reg: &regfile.RegFileEntry{
		Id: &id, Flags: zero(), Pos: proto.Uint64(0), Name: &name, BuildId: []uint32{1, 2, 3, 4, 5},
		Fown: &fown.FownEntry{Uid: zero(), Euid: zero(), Signum: zero(), PidType: zero(), Pid: zero()},
	}}
}

// The search for the build-id of a file reads no more than a loader would, however
// large the file says that its parts are, and however many files it is.
func TestGreedyELF(t *testing.T) {
	const size, files, most, enough = 2 << 30, 300, 256 << 20, 20 * time.Second
	p := decodertest.Process{PID: 1}
	var list []proto.Message
	for i := range uint32(files) {
		list = append(list, regWithBuildID(i+1, "/evil"))
		start := 0x10000 + uint64(i)*0x2000
		p.VMAs = append(p.VMAs, decodertest.VMA{
			Start: start, End: start + 0x1000, Prot: decoder.ProtRead, ShmID: uint64(i + 1),
			Flags: decoder.MapPrivate, Status: decoder.StatusRegular | decoder.StatusFilePrivate,
		})
	}
	c := decodertest.Checkpoint{Processes: []decodertest.Process{p}, Members: map[string][]byte{"checkpoint/files.img": decodertest.Image(criu.MagicFiles, list...)}}
	rootfs := t.TempDir()
	if err := os.WriteFile(filepath.Join(rootfs, "evil"), greedyELF(size), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(rootfs, "evil"), size+1<<20); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(rootfs, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	ck := c.OpenWith(t, decoder.Options{Rootfs: a})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%d bytes were allocated", n)
	}
	if took := time.Since(start); took > enough {
		t.Errorf("it took %v", took)
	}
	if !warned(ck, "no build-id") {
		t.Errorf("warnings %.500q", ck.Warnings.List())
	}
}
