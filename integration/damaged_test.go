package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A damaged archive never crashes, hangs or leaks: the command mounts, with the
// damage in warnings, or ends in one clear line.
func TestDamage(t *testing.T) {
	require(t, "fuse")
	t.Logf("seed %#x; every %dth archive is mounted", damageSeed, damageStride(t))
	packed := testdata("zoo", "checkpoint.tar.zst")
	expanded := plain(t, packed)
	for _, row := range []struct {
		name, archive string
		places        []span
	}{
		{"tar", expanded, metadata(t, expanded)},
		{"tar.zst", packed, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			whole := []byte(read(t, row.archive))
			content := len(whole)
			if row.name == "tar" { // which ends with blocks of zeros
				content = len(bytes.TrimRight(whole, "\x00"))
			}
			rnd := rand.New(rand.NewPCG(damageSeed[0], damageSeed[1]))
			runDamages(t, whole, damages(rnd, len(whole), content, row.places))
		})
	}
}

func damageStride(t testing.TB) int {
	t.Helper()
	text := os.Getenv("CKPTFS_DAMAGE_STRIDE")
	if text == "" {
		return stride
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CKPTFS_DAMAGE_STRIDE=%q is no positive number", text)
	}
	return n
}

// runDamages tries all damages, as many at a time as there are processors.
func runDamages(t *testing.T, whole []byte, all []damage) {
	t.Helper()
	program(t) // build it before the clock runs
	every := damageStride(t)
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.NumCPU() {
		dir := t.TempDir()
		group.Go(func() {
			for i := range next {
				err := tryDamage(filepath.Join(dir, strconv.Itoa(i)), all[i], whole, i%every == 0)
				if err != nil {
					t.Errorf("%s: %v", all[i].name, err)
				}
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	group.Wait()
}

// tryDamage shows a broken archive and, if asked, mounts and walks it.
func tryDamage(dir string, d damage, whole []byte, alsoMount bool) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "archive")
	if err := os.WriteFile(path, d.apply(whole), 0o644); err != nil {
		return err
	}
	m, err := newMount(dir)
	if err != nil {
		return err
	}
	prog, err := built()
	if err != nil {
		return err
	}
	var summary struct{ Warnings []string }
	show := m.command(prog, "show", "--json", path)
	stdout, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		return err
	}
	defer stdout.Close()
	show.Stdout = stdout
	code, err := clean(show)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	if code == 0 {
		text, err := os.ReadFile(stdout.Name())
		if err := errors.Join(err, json.Unmarshal(text, &summary)); err != nil {
			return fmt.Errorf("show --json: %w", err)
		}
		if d.loses && len(summary.Warnings) == 0 {
			return errors.New("something is lost without a warning")
		}
	}
	if !alsoMount {
		return m.leftovers()
	}
	code, err = clean(m.command(prog, "mount", path, m.point))
	if err != nil || code != 0 {
		return errors.Join(err, m.leftovers())
	}
	return errors.Join(walkDamaged(m, dir), m.unmount(), m.leftovers())
}

// clean runs a command that must end with 0 and silence on standard error, or
// with 1 and one line there, and returns which.
func clean(cmd *exec.Cmd) (int, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err := waitFor(cmd, caseLimit)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	code, said := cmd.ProcessState.ExitCode(), lines(stderr.String())
	if code == 0 && len(said) == 0 || code == 1 && len(said) == 1 && len(said[0]) < 1000 {
		return code, nil
	}
	return code, fmt.Errorf("exit status %d (%v) and %d lines on standard error: %.2000q", code, cmd.ProcessState, len(said), stderr.String())
}

// walkDamaged reads all of the tree; what is damaged may give EIO, with a line
// in warnings, but nothing may hang or end the daemon.
func walkDamaged(m *mounted, dir string) error {
	script := `find . -printf '%s %l\n' >/dev/null 2>"$OUT/errors"
		find . -type f ! -name mem ! -path './cores/*' -exec cat {} + >/dev/null 2>&1 || true
		for f in procs/*/mem; do dd if="$f" bs=64 count=1 >/dev/null 2>&1 || true; done
		for f in cores/*; do head -c 1000000 "$f" >/dev/null 2>&1 || true; done`
	cmd := walkCommand(m.point, dir, script)
	if code, err := clean(cmd); err != nil || code != 0 {
		return fmt.Errorf("walk: exit status %d, %w", code, err)
	}
	if len(m.processes()) == 0 {
		return errors.New("the daemon is gone after the walk")
	}
	warnings, err := os.ReadFile(filepath.Join(m.point, "warnings"))
	if err != nil {
		return err
	}
	said, err := os.ReadFile(filepath.Join(dir, "errors"))
	for _, line := range lines(string(said)) {
		if !strings.HasSuffix(line, ": Input/output error") || len(warnings) == 0 {
			return fmt.Errorf("walk: %s, warnings %q", line, warnings)
		}
	}
	return err
}

// walkCommand prepares a script that runs in a mount and may write to out.
func walkCommand(root, out, script string) *exec.Cmd {
	cmd := exec.Command("bash", "-uc", script)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "LC_ALL=C", "OUT="+out)
	return cmd
}
