package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shellSession is an interactive shell on a terminal of its own.
type shellSession struct {
	t        *testing.T
	terminal *os.File // the side of whoever sits there
	mu       sync.Mutex
	shown    bytes.Buffer
}

// newShellSession starts a shell with job control.
func newShellSession(t *testing.T, env []string) *shellSession {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "--norc", "--noediting", "-i")
	cmd.Env = slices.Concat(env, []string{"PS1=outer> ", "TERM=vt100"})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	s := &shellSession{t: t, terminal: master}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return // the shell has ended
			}
			s.mu.Lock()
			s.shown.Write(b[:n])
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		master.Close() // which hangs up on the rest
	})
	return s
}

// enter types something and waits until the terminal shows want behind what
// it showed before.
func (s *shellSession) enter(keys, want string) {
	s.t.Helper()
	s.mu.Lock()
	s.shown.Reset()
	s.mu.Unlock()
	if _, err := s.terminal.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		s.mu.Lock()
		shown := s.shown.String()
		s.mu.Unlock()
		if strings.Contains(shown, want) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%q shows %q, want %q in it", keys, shown, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// awaitStopped waits until the shell says that its job has stopped.
func (s *shellSession) awaitStopped() {
	s.t.Helper()
	s.enter("until jobs | grep Stopped; do sleep .05; done; echo it has\n", "it has\r\nouter> ")
}

// The command and its children have the terminal as if the shell had started
// them: job control inside, outside and in between.
func TestExecTerminal(t *testing.T) {
	require(t, "less", "top")
	model := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "true") // its cleanup looks for what is left
	s := newShellSession(t, model.Env)
	run := strings.Join(model.Args[:len(model.Args)-1], " ") + " "
	const interrupt, stop, end = "\x03", "\x1a", "\x04"
	s.enter("stty -echo; echo on\n", "on\r\nouter> ")

	// A shell inside has job control of its own. What is typed waits for a word
	// of the job, which then has the terminal. (A shell would not do: a child of
	// vfork(2) that is stopped before it executes anything keeps it from stopping.)
	const speaks = `perl -e '$| = 1; $SIG{CONT} = sub { print "goes on\n" }; print "has begun\n"; sleep 1 while 1'`
	s.enter(run+"env PS1='inner> ' bash --norc --noediting -i\n", "inner> ")
	s.enter(speaks+"\n", "has begun\r\n")
	s.enter(stop, "Stopped")
	s.enter("fg\n", "goes on\r\n")
	s.enter(interrupt, "inner> ")
	s.enter("cat /proc/1/comm\n", "zoo\r\n")
	s.enter("suspend\n", "outer> ")
	s.enter("jobs\n", "Stopped")
	s.enter("fg\n", "")
	s.enter("echo still $((40+2))\n", "still 42")
	s.enter("exit 3\n", "outer> ")
	s.enter("echo status $?\n", "status 3\r\nouter> ")

	// A program that is not a shell is stopped and continued by the outer one.
	const sleeps = `sh -c "echo has begun; exec sleep 1000"`
	s.enter(run+sleeps+"\n", "has begun\r\n")
	s.enter(stop, "Stopped")
	s.enter("bg; jobs\n", "Running")
	s.enter("kill %1; wait %1; echo status $?\n", "status 143")
	s.enter(run+sleeps+"\n", "has begun\r\n")
	s.enter(interrupt, "outer> ")
	s.enter("echo status $?\n", "status 130")

	// In the background it stops when it reads the terminal.
	s.enter(run+"cat &\n", "outer> ")
	s.awaitStopped()
	s.enter("fg\n", "")
	s.enter("hello\n", "hello\r\n")
	s.enter(end, "outer> ")

	// In a pipeline the others have the terminal too.
	s.enter(run+"ps -e | less\n", "dropper")
	s.enter("q", "outer> ")
	s.enter(run+"top\n", "zoo-dropp")
	s.enter("q", "outer> ")

	// In the background it stops once more, when it sets the terminal, and what
	// that was does not stop it in the foreground.
	const sets = `perl -MPOSIX -e '$| = 1; $t = POSIX::Termios->new; $t->getattr(0); ` +
		`$SIG{CONT} = sub { $t->setattr(0, TCSANOW); print "has set it\n" }; print "has begun\n"; sleep 1 while 1'`
	for range 20 {
		s.enter(run+sets+"\n", "has begun\r\n")
		s.enter(stop, "Stopped")
		s.enter("bg\n", "outer> ")
		s.awaitStopped()
		s.enter("fg\n", "has set it\r\n")
		s.enter(interrupt, "outer> ")
		s.enter("echo status $?\n", "status 130\r\nouter> ")
	}

	// What hangs up ends it.
	s.enter(run+sleeps+"\n", "has begun\r\n")
}

// An interrupt is not lost while the command is being started.
func TestExecTerminalAtStart(t *testing.T) {
	model := newExec(t, nil, testdata("zoo", "checkpoint.tar.zst"), "sleep", "1000")
	s := newShellSession(t, model.Env)
	start := `sh -c "echo it starts; exec ` + strings.Join(model.Args, " ") + "\"\n"
	s.enter("stty -echo; echo on\n", "on\r\nouter> ")
	for wait := time.Duration(0); wait < 150*time.Millisecond; wait += 3 * time.Millisecond {
		s.enter(start, "it starts\r\n")
		time.Sleep(wait)
		s.enter("\x03", "outer> ")
		s.enter("echo status $?\n", "status 130\r\nouter> ")
	}
}
