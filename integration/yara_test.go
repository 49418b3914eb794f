package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// YARA scans a process by its PID: it asks maps for the mappings, pagemap for
// the pages that are there, and mem for their bytes. The address that it
// reports is the one at which mem has the string.
func TestYARA(t *testing.T) {
	require(t, "yara", "fuse")
	rules := filepath.Join(t.TempDir(), "rules.yar")
	check(t, os.WriteFile(rules, []byte(`
rule secret { strings: $key = "RANDOM_1432_KEY" condition: $key }
rule code { strings: $word = "GLIBC_2.2.5" condition: $word }
`), 0o644))
	archive := testdata("counter", "checkpoint.tar.zst")
	mem, err := os.Open(filepath.Join(sharedMount(t, "counter"), "procs/6/mem"))
	check(t, err)
	defer mem.Close()

	without := yara(t, rules, archive)
	if len(without["secret"]) == 0 {
		t.Error("the secret is not found in process 6")
	}
	for _, address := range without["secret"] {
		text := make([]byte, len("RANDOM_1432_KEY"))
		if _, err := mem.ReadAt(text, address); err != nil || string(text) != "RANDOM_1432_KEY" {
			t.Errorf("mem at %#x = %q, %v", address, text, err)
		}
	}
	// The pages of libraries that were not written to are in the image only.
	with := yara(t, rules, archive, "--rootfs", testdata("counter", "sysroot.tar.zst"))
	if !slices.Equal(with["secret"], without["secret"]) || len(with["code"]) <= len(without["code"]) {
		t.Errorf("with --rootfs %v, without %v", with, without)
	}
}

// yara scans process 6 of an archive, and returns where each rule's string was
// found.
func yara(t *testing.T, rules, archive string, options ...string) map[string][]int64 {
	t.Helper()
	args := append(append([]string{"exec"}, options...), archive, "--", "yara", "-s", rules, "6")
	r := run(t, program(t), args...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("yara: exit status %d, stderr %q", r.code, r.stderr)
	}
	found := make(map[string][]int64)
	rule := ""
	for _, line := range lines(r.stdout) {
		if !strings.HasPrefix(line, "0x") {
			rule, _, _ = strings.Cut(line, " ")
			continue
		}
		var address int64
		if _, err := fmt.Sscanf(line, "0x%x:", &address); err != nil {
			t.Fatalf("yara printed %q", line)
		}
		found[rule] = append(found[rule], address)
	}
	return found
}
