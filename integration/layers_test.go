package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/ckptfs/ckptfs/"

// layers are the packages of the project from the top down. A package imports
// none that stands above it.
var layers = []string{
	"cmd", "fusefs", "fusefs/collection", "fusefs/layout", "fusefs/report", "fusefs/procfmt", "fusefs/escape", "fusefs/tree",
	"coredump", "memview", "decoder", "decoder/imagejson", "decoder/criu", "decoder/archive",
}

// only says who alone may import a library: packages at or below one of these.
var only = []struct {
	library string
	by      []string
	why     string
}{
	{"github.com/hanwen/go-fuse/", []string{"fusefs"}, "only package fusefs serves FUSE"},
	{"google.golang.org/protobuf", messages, "protobuf stays inside decoder"},
	{"github.com/checkpoint-restore/go-criu", messages, "go-criu's messages stop in decoder"},
	{"github.com/urfave/cli", []string{"cmd/"}, "the command line is cmd's"},
}

// messages are the packages that may know the messages of CRIU's images.
var messages = []string{"decoder", "decoder/criu/", "decoder/decodertest/", "decoder/imagejson/"}

// Imports run downward only.
func TestLayers(t *testing.T) {
	for pkg, imports := range imported(t) {
		level := layerOf(pkg)
		for _, imp := range imports {
			if below, ok := strings.CutPrefix(imp, module); ok {
				if to := layerOf(below); level < 0 || to < 0 || to < level {
					t.Errorf("%s imports %s: imports run downward only", pkg, below)
				}
			}
			for _, rule := range only {
				if strings.HasPrefix(imp, rule.library) && !allowed(pkg, rule.by) {
					t.Errorf("%s imports %s: %s", pkg, imp, rule.why)
				}
			}
		}
	}
}

// layerOf returns the place in layers of the longest entry that is pkg or holds
// it, and -1 when there is none.
func layerOf(pkg string) int {
	level, longest := -1, ""
	for i, layer := range layers {
		if (pkg == layer || strings.HasPrefix(pkg, layer+"/")) && len(layer) >= len(longest) {
			level, longest = i, layer
		}
	}
	return level
}

// allowed reports whether pkg is one of by; an entry with a slash at its end
// stands for the folder and all in it.
func allowed(pkg string, by []string) bool {
	for _, b := range by {
		if pkg == b || strings.HasSuffix(b, "/") && strings.HasPrefix(pkg+"/", b) {
			return true
		}
	}
	return false
}

// imported returns what each package of the project, but the tests of this
// one, imports outside its own tests.
func imported(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = ".."
	r := runCmd(t, commandLimit, cmd)
	if r.code != 0 {
		t.Fatalf("go list: %s", r.stderr)
	}
	out := map[string][]string{}
	for _, line := range lines(r.stdout) {
		f := strings.Fields(line)
		if pkg, ok := strings.CutPrefix(f[0], module); ok && pkg != "integration" {
			out[pkg] = f[1:]
		}
	}
	if len(out) < 5 {
		t.Fatal(fmt.Sprint("go list names only ", out))
	}
	return out
}

// The rules are worth nothing if they never fire.
func TestLayerRules(t *testing.T) {
	for _, row := range []struct {
		pkg  string
		by   []string
		want bool
	}{
		{"fusefs", []string{"fusefs"}, true},
		{"fusefs/layout", []string{"fusefs"}, false},
		{"decoder", []string{"decoder/"}, true},
		{"decoder/criu", []string{"decoder/"}, true},
		{"decoders", []string{"decoder/"}, false},
	} {
		if got := allowed(row.pkg, row.by); got != row.want {
			t.Errorf("allowed(%q, %q) = %v, want %v", row.pkg, row.by, got, row.want)
		}
	}
	for pkg, want := range map[string]int{"cmd/ckptfs": 0, "fusefs": 1, "fusefs/tree/treetest": 7, "decoder/archive": 13, "other": -1} {
		if got := layerOf(pkg); got != want {
			t.Errorf("layerOf(%q) = %d, want %d", pkg, got, want)
		}
	}
}
