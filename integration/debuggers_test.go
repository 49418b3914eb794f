package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The other debuggers have no complaint of the core files of zoo and counter,
// and show the frames that gdb showed of the live process. But for eu-stack,
// which needs them there, also where the core has no files of the image.
func TestOtherDebuggers(t *testing.T) {
	require(t, "lldb", "eu-stack", "eu-unstrip", "readelf", "eu-readelf")
	for _, fixture := range full {
		for _, d := range debuggees(t, fixture) {
			t.Run(fmt.Sprintf("%s/%d", fixture, d.pid), func(t *testing.T) {
				program, want := d.stacks(t)
				checkStacks(t, "eu-stack", d.euStack(t, program), want)
				checkStacks(t, "lldb", d.lldb(t, program), want)
				d.readNotes(t)

				without := d
				without.root = sharedMount(t, fixture)
				checkStacks(t, "lldb on a core without files", without.lldb(t, program), want)
				without.readNotes(t)
			})
		}
	}
}

// stacks returns the name of the process's program, and for each thread the
// addresses of its frames as gdb saw them live.
func (d debuggee) stacks(t testing.TB) (program string, stacks [][]uint64) {
	t.Helper()
	got, live := d.threads(t, "gdb")
	program = d.program(t)
	for i := range got {
		frames := live[i].frames
		if program == "" {
			frames = frames[:2] // gdb did not have the program either, and guessed the others
		}
		var stack []uint64
		for _, f := range frames {
			stack = append(stack, number(f.pc))
		}
		stacks = append(stacks, stack)
	}
	if program == "" {
		program = deletedProgram(t, d.root)
	}
	return program, stacks
}

// deletedProgram writes what zoo runs from a memfd and from a deleted file,
// which the checkpoint has because that is open.
func deletedProgram(t testing.TB, root string) string {
	t.Helper()
	ghost := read(t, root, "archive/checkpoint/ghost-file-2.img")
	name := filepath.Join(t.TempDir(), "sleeper")
	_, program, _ := strings.Cut(ghost, "\x7fELF") // behind the image's entry
	check(t, os.WriteFile(name, []byte("\x7fELF"+program), 0o755))
	return name
}

// checkStacks checks that each thread's stack begins with the wanted frames.
// gdb ends at main, others go on.
func checkStacks(t testing.TB, tool string, got, want [][]uint64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s shows %d threads, want %d", tool, len(got), len(want))
		return
	}
	for i, stack := range got {
		if len(stack) < len(want[i]) || !slices.Equal(stack[:len(want[i])], want[i]) {
			t.Errorf("%s shows of thread %d the frames %#x, want %#x", tool, i, stack, want[i])
		}
	}
}

// readStacks finds a tool's threads and the addresses of their frames.
func readStacks(text string, thread, frame *regexp.Regexp) [][]uint64 {
	var stacks [][]uint64
	for _, line := range lines(text) {
		if thread.MatchString(line) {
			stacks = append(stacks, nil)
		} else if m := frame.FindStringSubmatch(line); m != nil && len(stacks) > 0 {
			last := &stacks[len(stacks)-1]
			*last = append(*last, number(m[1]))
		}
	}
	return stacks
}

var (
	euThread   = regexp.MustCompile(`^TID \d+:$`)
	euFrame    = regexp.MustCompile(`^#\d+ +(0x[0-9a-f]+)`)
	lldbThread = regexp.MustCompile(`^[* ] thread #\d+`)
	lldbFrame  = regexp.MustCompile(`^ +\*? frame #\d+: (0x[0-9a-f]+)`)
	// lldbPython are the lines by which Debian's lldb 14 misses its Python
	// module, whatever it is to do.
	lldbPython = regexp.MustCompile(`^(Traceback \(most recent call last\):|  File "<string>", line 1, in <module>|ModuleNotFoundError: No module named 'lldb.embedded_interpreter')$`)
)

// euStack runs eu-stack, which takes libraries from the core file where this
// machine does not have the same. The program it must be given, like with a
// core file of the kernel, when that has more than what is mapped of it.
func (d debuggee) euStack(t testing.TB, program string) [][]uint64 {
	t.Helper()
	r := run(t, "eu-stack", "--core", d.core(), "--executable", program)
	if r.code != 0 || r.stderr != "" {
		t.Errorf("eu-stack on %s = exit status %d, %q, want 0 and silence", d.core(), r.code, r.stderr)
	}
	return readStacks(r.stdout, euThread, euFrame)
}

func (d debuggee) lldb(t testing.TB, program string) [][]uint64 {
	t.Helper()
	r := run(t, "lldb", "--batch", "--no-lldbinit", "--script-language", "none",
		"-o", "platform select --sysroot "+d.files+" remote-linux",
		"-o", "target create --core "+d.core()+" "+program,
		"-o", "bt all")
	if r.code != 0 {
		t.Errorf("lldb on %s = exit status %d", d.core(), r.code)
	}
	for _, line := range lines(r.stderr + r.stdout) {
		if complaint.MatchString(line) && !lldbPython.MatchString(line) {
			t.Errorf("lldb on %s: %s", d.core(), line)
		}
	}
	return readStacks(r.stdout, lldbThread, lldbFrame)
}

// readNotes runs the tools that print the notes of a core file, and the files
// that are mapped by it.
func (d debuggee) readNotes(t testing.TB) {
	t.Helper()
	for _, tool := range []string{"readelf -n", "eu-readelf -n", "eu-unstrip -n --core"} {
		command := append(strings.Fields(tool), d.core())
		r := run(t, command[0], command[1:]...)
		if r.code != 0 || r.stderr != "" {
			t.Errorf("%s on %s = exit status %d, %q, want 0 and silence", tool, d.core(), r.code, r.stderr)
		}
		for _, line := range lines(r.stdout) {
			if noteComplaint.MatchString(line) {
				t.Errorf("%s on %s: %s", tool, d.core(), line)
			}
		}
	}
}

// readelf 2.40 says "Cannot decode 64-bit note in 32-bit build" of NT_FILE in
// every core file, the kernel's too.
var noteComplaint = regexp.MustCompile(`(?i)malformed|corrupt|unknown|invalid|warning|error|truncated`)
