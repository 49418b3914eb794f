package integration

import (
	"fmt"
	"testing"
)

// syscallRegisters are where a processor has the instruction pointer, the
// result of a system call, and its number. On aarch64 the kernel itself rewinds
// a system call, so that checkpoint and live process are equal.
var syscallRegisters = []struct{ ip, result, number string }{
	{"rip", "rax", "orig_rax"},
	{"eip", "eax", "orig_eax"},
}

// checkRegisters checks that a thread has every register of the live one, but
// for those that are rightly other.
func checkRegisters(t testing.TB, got, live gdbThread) {
	t.Helper()
	differ := rightlyOther(live)
	for name, want := range live.registers {
		if other, ok := differ[name]; ok {
			want = other
		}
		if got.registers[name] != want {
			t.Errorf("thread %d: %s = %s, want %s (live %s)", live.tid, name, got.registers[name], want, live.registers[name])
		}
	}
	if len(live.registers) < 16 { // those of a 32-bit process
		t.Errorf("thread %d: the record has %d registers, want at least 16", live.tid, len(live.registers))
	}
}

// rightlyOther returns the registers of a live thread that a checkpoint rightly
// has otherwise, with their values there.
func rightlyOther(live gdbThread) map[string]string {
	differ := map[string]string{}
	// CRIU does not save how many bits an address has. The core has the mask for
	// 48, into which all of the process fit; the live kernel used 52.
	for _, name := range []string{"pauth_cmask", "pauth_dmask"} {
		if live.registers[name] == "0x70000000000000" {
			differ[name] = "0x7f000000000000"
		}
	}
	for _, r := range syscallRegisters {
		switch int32(number(live.registers[r.result])) {
		// -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: CRIU has rewound to
		// the system call (two bytes), with its number.
		case -512, -513, -514:
			differ[r.ip] = fmt.Sprintf("%#x", number(live.registers[r.ip])-2)
			differ[r.result] = live.call
		// -ERESTART_RESTARTBLOCK: what is to be restarted stays in the kernel,
		// so CRIU lets the system call fail with -EINTR.
		case -516:
			differ[r.result] = fmt.Sprintf("%#x", number(live.registers[r.result])+512)
		}
	}
	return differ
}

func number(hex string) uint64 {
	var n uint64
	fmt.Sscanf(hex, "0x%x", &n)
	return n
}
