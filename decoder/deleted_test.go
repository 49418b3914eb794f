package decoder

import (
	"strings"
	"testing"
	"time"
)

func TestDeletedFiles(t *testing.T) {
	d := newDeletedFiles([]string{"/a/b", "/a/b/c", "/a!", "a-x/", "//d/../e", "/", "", "/a/b-c/d"})
	for name, want := range map[string]bool{
		"a": false, "a/b": true, "a/b/c": true, "a/b/x/y": true, "a/bb": false, "a/b-c": false, "a/b-c/d/e": true,
		"a!": true, "a!/x": true, "a-": false, "a-x": true, "a-x/y": true, "d": false, "e": true, "": false, ".": false, "zz": false,
	} {
		if got := d.has(name); got != want {
			t.Errorf("has(%q) = %v, want %v", name, got, want)
		}
	}
	if new(deletedFiles).has("a") {
		t.Error("a file is deleted where none is")
	}
}

// A name in two thousand folders is looked up as fast as any.
func TestDeletedFilesOfDeepNames(t *testing.T) {
	const names, enough = 2000, 5 * time.Second
	d := newDeletedFiles([]string{"/x", "/" + strings.Repeat("d/", 2000) + "y"})
	deep := strings.Repeat("d/", 2000) + "x"
	start := time.Now()
	for range names {
		if d.has(deep) {
			t.Fatal("it is deleted")
		}
	}
	if took := time.Since(start); took > enough {
		t.Errorf("it took %v", took)
	}
}
