package faults_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"envgate/tests/faults"
)

// subject is a log with the victims that write to it one after the other, and what they
// acknowledged, which is kept here.
type subject struct {
	t     *testing.T
	path  string
	args  []string // more for the victim
	last  faults.Ack
	acks  int // commits acknowledged
	again int // commits that had to be tried again
	busy  time.Duration
}

func newSubject(t *testing.T, dir string, args ...string) *subject {
	return &subject{t: t, path: filepath.Join(dir, "log.db"), args: args}
}

// begin starts a victim, by way of a program before it if one is given. The channel has
// what it says, and is closed when it has ended.
func (s *subject) begin(before ...string) *life {
	s.t.Helper()
	args := append(append(before, programs.victim, "-log", s.path), s.args...)
	l := &life{s: s, cmd: exec.Command(args[0], args[1:]...), said: make(chan string, 1<<16)}
	l.cmd.Env = append(os.Environ(), "GOMAXPROCS=1") // so that calls are counted on few threads
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	l.cmd.Stderr = l.cmd.Stdout
	if err := l.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { // ends with the victim
		defer close(l.said)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return // a last line that was cut short was not said
			}
			l.said <- strings.TrimSpace(line)
		}
	}()
	return l
}

// life is one run of a victim.
type life struct {
	s    *subject
	cmd  *exec.Cmd
	said chan string
}

// kill ends it, and all that stood before it.
func (l *life) kill() { syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL) }

// end waits for the end and takes what was said until then.
func (l *life) end() {
	for line := range l.said {
		l.hear(line)
	}
	l.cmd.Wait()
	l.kill() // whatever it left behind
}

func (l *life) hear(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ack":
		var a faults.Ack
		if err := json.Unmarshal([]byte(rest), &a); err != nil {
			l.s.t.Errorf("victim says %q: %v", line, err)
			return
		}
		l.s.last = a
		l.s.acks++
	case "again":
		l.s.again++
	case "epoch", "read":
	default:
		l.s.t.Errorf("victim says %q", line)
	}
}

// await hears until a line begins with word.
func (l *life) await(word string, most time.Duration) {
	l.s.t.Helper()
	for timer := time.After(most); ; {
		select {
		case line, ok := <-l.said:
			if !ok {
				l.s.t.Fatalf("the victim ended before it said %q", word)
			}
			l.hear(line)
			if strings.HasPrefix(line, word) {
				return
			}
		case <-timer:
			l.s.t.Fatalf("the victim did not say %q within %s", word, most)
		}
	}
}

// drain hears what was said by now.
func (l *life) drain() {
	for {
		select {
		case line, ok := <-l.said:
			if !ok {
				return
			}
			l.hear(line)
		default:
			return
		}
	}
}

// live lets a victim live so long and no longer.
func (s *subject) live(after time.Duration, before ...string) {
	s.t.Helper()
	l := s.begin(before...)
	timer := time.AfterFunc(after, l.kill)
	l.end()
	timer.Stop()
}

// check asks the oracle, and goes on from what it found.
func (s *subject) check() faults.Report {
	s.t.Helper()
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) && s.last.Epoch == "" {
		return faults.Report{} // killed before the log had its name
	}
	r, err := faults.Check(s.path, s.last)
	if err != nil {
		s.t.Fatal(err)
	}
	s.last = r.Found
	return r
}

// sound asks the oracle, and fails the test with what it says.
func (s *subject) sound() faults.Report {
	s.t.Helper()
	last := s.last
	r := s.check()
	if !r.OK() {
		s.t.Errorf("commit %d was acknowledged: %s", last.Commit, strings.Join(r.Problems, "\n"))
	}
	return r
}

// inject is a strace that breaks system calls of the program behind it.
func inject(t *testing.T, calls, what string) []string {
	t.Helper()
	strace := need(t, "strace", "strace")
	if out, err := exec.Command(strace, "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v\n%s", err, out)
	}
	// The tracer is the child of the traced one, which so keeps its own number and signals.
	return []string{strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", "inject=" + calls + ":" + what}
}
