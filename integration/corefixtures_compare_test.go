package integration

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// againstKernel says how many pages of the kernel's core file ours has, how
// many it leaves to the mapped files, and how many are the kernel's own or
// guards; and where the two differ, rightly: the threads ran in between, on
// another processor (struct rseq), and a sleep was interrupted (its time left,
// its result).
var againstKernel = map[string]struct {
	pages   string
	differs []string
}{
	"a": {"eq=101 absent(file)=3 absent(zero: vvar/vsyscall/guard)=7", nil},
	"b": {"eq=8289 absent(file)=3 absent(zero: vvar/vsyscall/guard)=7", []string{
		"FAIL no page differs: ['0x7fdbfedbe000', '0x7fdbfedbf000']",
		"FAIL tid 19314 GPRs: rip+0 rax (-516, -4) orig (230, 230)",
	}},
	"c2-criu42": {"eq=17588 absent(file)=11 absent(zero: vvar/vsyscall/guard)=7", nil},
	"gu-criu42": {"eq=113 absent(file)=3 absent(zero: vvar/vsyscall/guard)=9", nil},
	"x86-incremental": {"eq=114 absent(file)=3 absent(zero: vvar/vsyscall/guard)=4", []string{
		"FAIL no page differs: ['0x7f238784a000']",
		"FAIL tid 174 NT_X86_XSTATE identical (2696)", // TestXstateAgainstKernel
	}},
	"aarch64": {"eq=6236 absent(file)=2 absent(zero: vvar/vsyscall/guard)=2", []string{
		"FAIL no page differs: ['0xffff8a32e000', '0xffff8a32f000', '0xffff8ab3f000', '0xffff8b34f000', '0xffff8b549000']",
	}},
}

// Memory, notes and registers are those of the kernel's own core file.
func TestCoreAgainstKernel(t *testing.T) {
	require(t, "python3")
	eachFixtureCore(t, func(t *testing.T, f coreFixture, core string) {
		want := againstKernel[f.name]
		result := "RESULT PASS"
		if n := len(want.differs); n > 0 {
			result = fmt.Sprintf("RESULT FAIL %d", n)
		}
		got := output(t, "python3", testdata("cores", "compare-cores.py"), f.kernels(t), core)
		var differs []string
		for _, line := range lines(got) {
			if strings.HasPrefix(line, "FAIL") {
				differs = append(differs, line)
			}
		}
		if !slices.Equal(differs, want.differs) || !strings.HasSuffix(got, result+"\n") {
			t.Errorf("compare-cores.py prints\n%s\nwant %s, and these differences alone: %q", got, result, want.differs)
		}
		if !strings.Contains(got, want.pages+" missing=[]") {
			t.Errorf("compare-cores.py prints\n%s\nwant %q", got, want.pages)
		}
	})
}

// The XSAVE area is the kernel's, but for the bit of xcr0 that says that there
// is MPX.
func TestXstateAgainstKernel(t *testing.T) {
	const xcr0, bndregs = 464, 1 << 3
	f := coreFixtureNamed(t, "x86-incremental")
	want := notesOfType(t, f.kernels(t), ntX86Xstate)
	want[0].desc[xcr0] &^= bndregs
	for _, core := range []string{f.shown(t), f.written(t)} {
		got := notesOfType(t, core, ntX86Xstate)
		if len(got) != 1 || len(want) != 1 || !bytes.Equal(got[0].desc, want[0].desc) {
			t.Errorf("NT_X86_XSTATE =\n%x\nwant\n%x", got, want)
		}
	}
}

// Types of notes.
const (
	ntX86Xstate = 0x202
	ntFile      = 0x46494c45
)

// note is a note of a core file.
type note struct {
	owner string
	kind  uint32
	desc  []byte
}

// notes returns the notes of a core file in their order.
func notes(t testing.TB, core string) []note {
	t.Helper()
	f, err := elf.Open(core)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var found []note
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		b := make([]byte, p.Filesz)
		if _, err := p.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		for len(b) > 0 {
			name, size := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
			n := note{kind: binary.LittleEndian.Uint32(b[8:])}
			b = b[12:]
			n.owner, b = string(b[:name-1]), b[(name+3)/4*4:]
			n.desc, b = b[:size], b[(size+3)/4*4:]
			found = append(found, n)
		}
	}
	return found
}

// notesOfType returns those notes that are of a type.
func notesOfType(t testing.TB, core string, kind uint32) []note {
	t.Helper()
	return slices.DeleteFunc(notes(t, core), func(n note) bool { return n.kind != kind })
}
