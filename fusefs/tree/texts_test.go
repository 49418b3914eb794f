package tree_test

import (
	"errors"
	"io"
	"math/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ckptfs/ckptfs/fusefs/tree"
)

// countedText is a file of random bytes, and how often it was rendered.
func countedText(texts *tree.Texts, size int64) (tree.File, *int) {
	times := new(int)
	return texts.File(fileAttr, func(w io.Writer) error {
		*times++
		_, err := io.CopyN(w, rand.New(rand.NewSource(size)), size)
		return err
	}), times
}

// What is asked for again is rendered again only if others took its room, and
// has the same bytes.
func TestTexts(t *testing.T) {
	const mib = 1 << 20
	texts := tree.NewTexts(8 * mib)
	read := func(f tree.File) string {
		t.Helper()
		c, err := f.Content()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	often, oftenTimes := countedText(texts, mib)
	seldom, seldomTimes := countedText(texts, mib+1)
	want := read(seldom)
	for i := range int64(20) {
		read(often)
		other, _ := countedText(texts, mib+i)
		read(other)
	}
	if got := read(seldom); got != want {
		t.Error("a text that was rendered again is another one")
	}
	if *oftenTimes != 1 || *seldomTimes != 2 {
		t.Errorf("rendered %d and %d times, want 1 and 2", *oftenTimes, *seldomTimes)
	}
	large, largeTimes := countedText(texts, 30*mib)
	read(large)
	if read(large); *largeTimes != 1 {
		t.Errorf("the last text was rendered %d times, want 1", *largeTimes)
	}
}

// However many texts there are, little is kept.
func TestTextsAreBounded(t *testing.T) {
	const most = 4 << 20
	texts := tree.NewTexts(most)
	before := heap()
	var files []tree.File
	for i := range int64(100) {
		f, _ := countedText(texts, 1<<20+i)
		if _, err := f.Content(); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if kept := heap() - before; kept > 2*most {
		t.Errorf("100 texts take %d bytes, want about %d", kept, most)
	}
	runtime.KeepAlive(files)
}

// A text that could not be rendered is not tried again.
func TestTextsThatFail(t *testing.T) {
	times, fail := 0, errors.New("no")
	f := tree.NewTexts(1).File(fileAttr, func(io.Writer) error { times++; return fail })
	for range 2 {
		if _, err := f.Content(); !errors.Is(err, fail) {
			t.Errorf("Content() = %v, want %v", err, fail)
		}
	}
	if times != 1 {
		t.Errorf("rendered %d times, want 1", times)
	}
}

// Large texts are rendered one at a time, small ones beside them.
func TestLargeTexts(t *testing.T) {
	texts := tree.NewTexts(1 << 30)
	var at, most atomic.Int32
	rendering := make(chan bool, 10)
	line := make([]byte, 1<<20)
	large := func(w io.Writer) error {
		for range 20 {
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		most.Store(max(most.Load(), at.Add(1)))
		defer at.Add(-1)
		rendering <- true
		small, _ := countedText(texts, 1000)
		_, err := small.Content()
		time.Sleep(10 * time.Millisecond)
		return err
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := texts.File(fileAttr, large).Content(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() != 1 || len(rendering) != 5 {
		t.Errorf("%d of %d large texts were rendered at once, want one of 5", most.Load(), len(rendering))
	}
}
