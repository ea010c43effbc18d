package faults_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"envgate/tests/faults"
)

// kill -9 at any moment, in logs that live on from kill to kill.
func TestKills(t *testing.T) {
	t.Parallel()
	kills := rounds(t, "FAULTS_KILLS", 50)
	total := newTally("kills")
	lanes := []*subject{newSubject(t, t.TempDir()), newSubject(t, t.TempDir(), "-pause", "3ms")}
	t.Run("lane", func(t *testing.T) {
		for lane, s := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				s.t = t
				began := time.Now()
				defer func() { s.busy = time.Since(began) }()
				for range (kills + 1 - lane) / 2 {
					wait := rand.N(150 * time.Millisecond)
					if rand.N(4) == 0 {
						wait = rand.N(15 * time.Millisecond) // while it opens the log
					}
					s.live(wait)
					r := s.sound()
					total.add(&r)
				}
			})
		}
	})

	// A victim that says what it has before the log took it must lose.
	control := newSubject(t, t.TempDir(), "-early")
	var lost faults.Report
	tried := 0
	for ; tried < 50 && lost.Lost == 0; tried++ {
		control.live(30*time.Millisecond + rand.N(100*time.Millisecond))
		lost.Add(control.check())
	}
	acks := lanes[0].acks + lanes[1].acks
	total.say(t, fmt.Sprintf("%d kills, %d commits acknowledged, %.2f s a kill, two at a time; control that acknowledges too early: %d blocks lost in %d kills",
		kills, acks, (lanes[0].busy+lanes[1].busy).Seconds()/float64(kills), lost.Lost, tried))
	if lost.Lost == 0 {
		t.Errorf("the control lost nothing in %d kills: the harness proves nothing", tried)
	}
	if acks < kills/4 {
		t.Errorf("%d commits in %d kills: too few to say anything", acks, kills)
	}
}

// The victim dies at the i-th write, sync or rename of its life: with no log yet, and
// with one.
func TestKillAtSyscall(t *testing.T) {
	t.Parallel()
	const calls = "pwrite64,fdatasync,fsync,ftruncate,rename,renameat,renameat2"
	points := rounds(t, "FAULTS_POINTS", 0)
	var at []int
	for i := 1; i <= points; i++ {
		at = append(at, i)
	}
	if at == nil {
		at = []int{1, 3, 6, 7, 9, 14, 19, 30}
	}
	total := newTally("kill-at-syscall")
	died := 0
	for _, i := range at {
		rule := inject(t, calls, fmt.Sprintf("signal=KILL:when=%d", i))
		s := newSubject(t, t.TempDir(), "-commits", "60")
		for range 2 {
			s.live(10*time.Second, rule...)
			if s.last.Commit < 60 {
				died++
			}
			r := s.sound()
			total.add(&r)
		}
		if t.Failed() {
			t.Fatalf("at call %d", i)
		}
	}

	// Where the write that counts was made, the batch is there though it was too early
	// to say so; one of any five calls in a row comes before it.
	var lost faults.Report
	for i := 20; i < 25 && lost.Lost == 0; i++ {
		control := newSubject(t, t.TempDir(), "-early")
		control.live(10*time.Second, inject(t, calls, fmt.Sprintf("signal=KILL:when=%d", i))...)
		lost.Add(control.check())
	}
	total.say(t, fmt.Sprintf("killed at %d points %d times; control that acknowledges too early: %d blocks lost", len(at), died, lost.Lost))
	if lost.Lost == 0 {
		t.Error("the control lost nothing: the harness proves nothing")
	}
	if died < len(at) {
		t.Errorf("%d of %d lives ended by a kill: does strace hit?", died, 2*len(at))
	}
}

// The oracle itself: it must see each of these.
func TestOracle(t *testing.T) {
	t.Parallel()
	s := newSubject(t, t.TempDir(), "-commits", "30")
	s.live(20 * time.Second)
	good := s.last
	if good.Commit != 31 { // the first begins the epoch
		t.Fatalf("%+v was acknowledged, want commit 31", good)
	}
	file, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		claim func(a *faults.Ack)
		ok    bool
	}{
		{"whole", func(*faults.Ack) {}, true},
		{"one more than acknowledged", func(a *faults.Ack) { a.Commit--; a.Heads = nil }, true},
		{"two more than acknowledged", func(a *faults.Ack) { a.Commit -= 2; a.Heads = nil }, false},
		{"one acknowledged is missing", func(a *faults.Ack) {
			h := a.Heads["live"]
			h.Seq++
			a.Heads["live"] = h
		}, false},
		{"other content", func(a *faults.Ack) {
			h := a.Heads["stat"]
			h.Hash = a.Heads["live"].Hash
			a.Heads["stat"] = h
		}, false},
		{"another epoch", func(a *faults.Ack) { a.Epoch = "0123456789abcdef" }, false},
	} {
		if err := os.WriteFile(s.path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		claim := good
		claim.Heads = maps.Clone(good.Heads)
		c.claim(&claim)
		r, err := faults.Check(s.path, claim)
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() != c.ok {
			t.Errorf("%s: the oracle says %+v, want ok %v", c.name, r, c.ok)
		}
	}
}
