package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// traceSetting makes a Go program tell of each of its goroutines, each ten seconds.
// So they are counted in the program as it is shipped.
const traceSetting = "GODEBUG=schedtrace=10000,scheddetail=1"

// A trace takes what the agent says: goroutines are counted, the rest goes to its log.
type trace struct {
	mu      sync.Mutex
	log     *os.File
	line    []byte
	current int
	count   int // of the last whole account; 0: none yet
}

func newTrace(path string) (*trace, error) {
	f, err := os.Create(path)
	return &trace{log: f}, err
}

func (t *trace) close() error { return t.log.Close() }

// Write takes a part of what was said.
func (t *trace) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line = append(t.line, p...)
	for {
		line, rest, whole := bytes.Cut(t.line, []byte("\n"))
		if !whole {
			break
		}
		if !t.take(string(line)) {
			t.log.Write(append(line, '\n'))
		}
		t.line = append(t.line[:0], rest...)
	}
	return len(p), nil
}

// take counts a line of the account, and says whether it was one.
func (t *trace) take(line string) bool {
	if strings.HasPrefix(line, "SCHED ") {
		if t.current > 0 {
			t.count = t.current
		}
		t.current = 0
		return true
	}
	rest, ours := strings.CutPrefix(line, "  ")
	kind, after, found := strings.Cut(rest, ": ")
	if !ours || !found || len(kind) < 2 || !strings.ContainsRune("PMG", rune(kind[0])) {
		return false
	}
	if _, err := strconv.Atoi(kind[1:]); err != nil {
		return false
	}
	if kind[0] == 'G' && strings.HasPrefix(after, "status=") && !strings.HasPrefix(after, "status=6(") { // 6 is a dead one
		t.current++
	}
	return true
}

// goroutines is how many there were at the last account of this life, 0 where there
// was none yet.
func (t *trace) goroutines() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// forget is told of a new life.
func (t *trace) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current, t.count, t.line = 0, 0, nil
}

// A sample is what the agent and its log take at one time.
type sample struct {
	at          time.Duration
	life        int // of the agent, counting up
	age         time.Duration
	anon, rss   int64 // bytes
	goroutines  int   // 0: not known yet
	threads     int
	descriptors int
	file        int64 // bytes
	centre      int64 // bytes, RssAnon of the centre
}

// A record is all samples.
type record struct {
	began   time.Time
	life    int
	born    time.Time
	bornAs  int
	samples []sample
}

func (r *record) last() sample {
	if len(r.samples) == 0 {
		return sample{}
	}
	return r.samples[len(r.samples)-1]
}

// sample looks once; while the agent is away there is nothing to see.
func (r *record) sample(b *bench, now time.Time) {
	if !b.Agent.Runs() {
		return
	}
	if r.born.IsZero() || r.bornAs != r.life {
		r.born, r.bornAs = now, r.life
		b.trace.forget()
	}
	f := status(b.Agent.Pid())
	s := sample{
		at: now.Sub(r.began), life: r.life, age: now.Sub(r.born),
		anon: f["RssAnon:"] << 10, rss: f["VmRSS:"] << 10, threads: int(f["Threads:"]), goroutines: b.trace.goroutines(),
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.Agent.Pid())); err == nil {
		s.descriptors = len(fds)
	}
	if info, err := os.Stat(b.Log); err == nil {
		s.file = info.Size()
	}
	if b.Center.Runs() {
		s.centre = status(b.Center.Pid())["RssAnon:"] << 10
	}
	if s.anon == 0 || s.threads < 2 { // it ended while we looked, or only just begins
		return
	}
	r.samples = append(r.samples, s)
}

// status is what the kernel says of a process.
func status(pid int) map[string]int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	out := map[string]int64{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 {
			out[f[0]], _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return out
}
