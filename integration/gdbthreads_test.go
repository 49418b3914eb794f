package integration

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// gdbThread is what gdb says of a thread, of a live process or in a core file.
type gdbThread struct {
	tid       int    // of a live thread, the host's
	pthread   string // its pthread_t, where gdb knows it
	name      string // only of a live thread
	call      string // of a live thread, the number of the system call it is in
	registers map[string]string
	frames    []gdbFrame
}

// gdbFrame is a line of gdb's backtrace. Without debug information it has
// neither arguments nor source.
type gdbFrame struct {
	pc, function, arguments, source, object string
}

var (
	gdbHeader    = regexp.MustCompile(`^Thread \d+ \((?:Thread (0x[0-9a-f]+) \()?(?:LWP|process) (\d+)\)?(?: "(.*)")?\):$`)
	gdbBacktrace = regexp.MustCompile(`^#\d+ +(?:(0x[0-9a-f]+) in )?(\S+) \((.*)\)(?: at (\S+)| from (\S+))?$`)
	gdbRegister  = regexp.MustCompile(`^([a-z]\w*) +(0x[0-9a-f]+|\{.*)`)
	// The other members of gdb's unions are the same 128 bits.
	gdbVector = regexp.MustCompile(`(?:uint128 = |q = \{u = \{)(0x[0-9a-f]+)`)
)

// gdbThreads reads what gdb printed for `thread apply all`: the threads by
// ascending TID. The value of a register is the first number that gdb gives,
// that of a vector register its bits as one number.
func gdbThreads(text string) []gdbThread {
	threads := map[int]gdbThread{}
	tid := 0
	for _, line := range lines(text) {
		if m := gdbHeader.FindStringSubmatch(line); m != nil {
			tid, _ = strconv.Atoi(m[2])
			if _, ok := threads[tid]; !ok {
				threads[tid] = gdbThread{tid: tid, pthread: m[1], name: m[3], registers: map[string]string{}}
			}
			continue
		}
		t, ok := threads[tid]
		if !ok {
			continue // what gdb says as it starts
		}
		if m := gdbBacktrace.FindStringSubmatch(line); m != nil {
			t.frames = append(t.frames, gdbFrame{m[1], m[2], m[3], m[4], m[5]})
			threads[tid] = t
		} else if m := gdbRegister.FindStringSubmatch(line); m != nil {
			value := m[2]
			if v := gdbVector.FindStringSubmatch(value); v != nil {
				value = v[1]
			}
			t.registers[m[1]] = value
		}
	}
	var ascending []gdbThread
	for _, tid := range slices.Sorted(maps.Keys(threads)) {
		ascending = append(ascending, threads[tid])
	}
	return ascending
}

// registerNames returns the names of all registers of the threads.
func registerNames(threads []gdbThread) string {
	names := map[string]bool{}
	for _, t := range threads {
		for name := range t.registers {
			names[name] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " ")
}

// liveThreads returns the recorded threads of a process under their TIDs in
// the container, which ascend like those of the host.
func liveThreads(t testing.TB, record string) []gdbThread {
	t.Helper()
	threads, tids := gdbThreads(read(t, record, "gdb.txt")), pids(t, filepath.Join(record, "task"))
	if len(threads) != len(tids) {
		t.Fatalf("gdb.txt has %d threads, task has %v", len(threads), tids)
	}
	for i := range threads {
		thread := &threads[i]
		thread.tid = tids[i]
		task := filepath.Join(record, "task", strconv.Itoa(thread.tid))
		if comm := strings.TrimSpace(read(t, task, "comm")); thread.name != comm {
			t.Errorf("thread %d of gdb.txt is %q, want %q", thread.tid, thread.name, comm)
		}
		call, err := strconv.Atoi(strings.Fields(read(t, task, "syscall"))[0])
		if err != nil {
			t.Fatalf("thread %d is in no system call: %v", thread.tid, err)
		}
		thread.call = fmt.Sprintf("%#x", call)
	}
	return threads
}
