package integration

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkFrames checks that a thread of a core file has the frames of the live
// one.
func checkFrames(t testing.TB, got, live gdbThread, same aliases) {
	t.Helper()
	if len(got.frames) != len(live.frames) || len(live.frames) == 0 {
		t.Errorf("thread %d has %d frames, want %d:\n%v\nwant\n%v", got.tid, len(got.frames), len(live.frames), got.frames, live.frames)
		return
	}
	for i, g := range got.frames {
		want := live.frames[i]
		// The libc here has no more than names, which may be others of the same
		// function; the recorder's had debug information.
		if filepath.Base(g.object) == "libc.so.6" && same.are(g.function, want.function) {
			g.object, want.function, want.arguments, want.source = "", g.function, "", ""
		}
		if g != want {
			t.Errorf("thread %d frame %d = %q, want %q", got.tid, i, g, want)
		}
	}
}

// standsAt moves a live thread's first frame to where the thread of the core file
// stands by its registers, which checkRegisters compares.
func (t gdbThread) standsAt(registers map[string]string) {
	for _, name := range []string{"rip", "eip", "pc"} {
		if ip, ok := registers[name]; ok {
			pc := &t.frames[0].pc
			*pc = fmt.Sprintf("0x%0*x", len(*pc)-len("0x"), number(ip))
		}
	}
}

// of returns the thread with only the frames that are in a source file.
func (t gdbThread) of(source string) gdbThread {
	t.frames = slices.DeleteFunc(slices.Clone(t.frames), func(f gdbFrame) bool {
		return !strings.HasPrefix(f.source, source+":")
	})
	return t
}

// aliases are the addresses of functions by their names: pause and
// __libc_pause are one function.
type aliases map[string]uint64

func (a aliases) are(one, other string) bool {
	return one == other || a[one] != 0 && a[one] == a[other]
}

// libcAliases returns the names that libc's own symbol table has.
func libcAliases(t testing.TB) aliases {
	t.Helper()
	names := aliases{}
	dir := libcSymbols(t)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := elf.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		symbols, err := f.Symbols()
		for _, s := range symbols {
			name, _, _ := strings.Cut(s.Name, "@")
			names[name] = s.Value
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("%d names in %s: %v", len(names), dir, err)
	}
	return names
}

// libcSymbols returns a folder for gdb's debug-file-directory with the symbol
// table of the libc of zoo and counter.
func libcSymbols(t testing.TB) string { return unpackedOnce(t, "libc-symbols.tar.zst") }
