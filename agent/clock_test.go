package main

import (
	"testing"
	"time"
)

func TestClockStates(t *testing.T) {
	wall, mono, synced := epoch0, time.Hour, false
	c := &clock{now: func() time.Time { return wall }, mono: func() time.Duration { return mono }, kernel: func() (bool, int64) { return synced, 3 }}
	pass := func(d time.Duration) { wall, mono = wall.Add(d), mono+d }

	steps := []struct {
		what  string
		do    func()
		state string
		step  time.Duration
	}{
		{"at power-on", func() {}, "unsync", 0},
		{"later", func() { pass(5 * time.Second) }, "unsync", 0},
		{"slewed", func() { pass(5 * time.Second); wall = wall.Add(2 * time.Millisecond) }, "unsync", 0},
		{"set an hour forward", func() { pass(5 * time.Second); wall = wall.Add(time.Hour) }, "stepped", time.Hour},
		{"not yet followed", func() { pass(5 * time.Second) }, "stepped", 0},
		{"followed", func() { pass(5 * time.Second); synced = true }, "sync", 0},
		{"on its own", func() { pass(5 * time.Second); synced = false }, "holdover", 0},
		{"set to 1970", func() { wall = time.Unix(0, 0) }, "stepped", 0},
	}
	for _, s := range steps {
		s.do()
		got, step := c.look()
		if got.State != s.state {
			t.Errorf("%s: state %s, want %s", s.what, got.State, s.state)
		}
		if s.step != 0 && (step-s.step).Abs() > time.Millisecond {
			t.Errorf("%s: step %s, want %s", s.what, step, s.step)
		}
		if got.MonoMs != mono.Milliseconds() {
			t.Errorf("%s: mono %d, want %d", s.what, got.MonoMs, mono.Milliseconds())
		}
	}
}
