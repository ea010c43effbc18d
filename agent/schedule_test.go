package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A modelLine runs a schedule through time without a clock, a bus or a goroutine.
type modelLine struct {
	schedule
	now   time.Time
	units []*modelUnit
}

type modelUnit struct {
	task
	name   string
	cost   time.Duration // of a poll that is answered
	dead   func(time.Time) bool
	polls  []time.Time
	missed int           // ticks without a poll, while it was not offline
	rests  int           // ticks that passed offline
	bus    time.Duration // had by polls without an answer
	late   time.Duration // the most that a poll began after its tick
	back   time.Time     // first answer after being offline
}

var modelStart = time.Date(2026, 3, 1, 0, 0, 0, 0, siteZone)

func newModel(units ...*modelUnit) *modelLine {
	m := &modelLine{now: modelStart, units: units}
	line := &lineState{base: m.now}
	for _, u := range units {
		if u.dead == nil {
			u.dead = func(time.Time) bool { return false }
		}
		u.line, u.next = line, line.tick(m.now, u.every)
		m.schedule = append(m.schedule, &u.task)
	}
	return m
}

func (m *modelLine) unit(t *task) *modelUnit {
	return m.units[slices.IndexFunc(m.units, func(u *modelUnit) bool { return &u.task == t })]
}

// run does what lineRunner does, for a time.
func (m *modelLine) run(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		t := m.most(m.now, nil)
		if t == nil {
			at, _ := m.wake()
			m.now = at
			continue
		}
		u := m.unit(t)
		rests := t.resting(m.now)
		tick := t.next
		missed := t.take(m.now)
		u.missed += missed
		if rests {
			u.rests++
			continue
		}
		u.polls = append(u.polls, m.now)
		u.late = max(u.late, m.now.Sub(tick))
		if u.dead(m.now) {
			m.now = m.now.Add(t.price)
			u.bus += t.price
			t.unanswered(m.now, 1)
			continue
		}
		m.now = m.now.Add(u.cost)
		if t.answered() && u.back.IsZero() {
			u.back = m.now
		}
	}
}

// Hundreds of units of all intervals on one line that they fill to nine tenths: nobody
// misses a tick, and those that alarms depend on never wait for more than one poll and
// one another.
func TestScheduleKeepsAllDeadlines(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for round := range 2 {
		var units []*modelUnit
		var load float64
		var longest, alarms time.Duration
		for len(units) < 300 {
			every := []time.Duration{200, 500, 1000, 2000, 5000, 10_000, 60_000, 3_600_000}[rng.IntN(8)] * time.Millisecond
			u := &modelUnit{name: fmt.Sprint(len(units)), cost: time.Duration(1+rng.IntN(4000)) * 10 * time.Microsecond}
			u.every, u.price = every, time.Second
			if part := u.cost.Seconds() / every.Seconds(); load+part > 0.9 {
				u.every = time.Hour
			} else {
				load += part
			}
			u.alarm = rng.IntN(10) == 0
			longest = max(longest, u.cost)
			if u.alarm {
				alarms += u.cost
			}
			units = append(units, u)
		}
		newModel(units...).run(3 * time.Minute)
		for _, u := range units {
			// A poll is not broken off, so a deadline may be passed by the longest one, and
			// strict priority of alarms costs the others as much as all of them together.
			if u.missed > 0 && u.every > 2*longest+alarms {
				t.Errorf("round %d, load %.2f: unit %s of %s missed %d ticks, at most %s late", round, load, u.name, u.every, u.missed, u.late)
			}
			if u.alarm && u.late > longest+alarms {
				t.Errorf("round %d: alarm unit %s of %s began %s late, at most %s and %s", round, u.name, u.every, u.late, longest, alarms)
			}
		}
	}
}

// A line that is asked for more than it can carry is shared: every unit of one interval
// gets as many polls as the others, and a dead one is still probed.
func TestScheduleOverloaded(t *testing.T) {
	var units []*modelUnit
	for i := range 200 {
		u := &modelUnit{name: fmt.Sprint(i), cost: 20 * time.Millisecond}
		u.every, u.price = time.Second, 600*time.Millisecond
		units = append(units, u)
	}
	dead := units[100]
	died := modelStart.Add(time.Minute)
	mended := died.Add(4 * time.Minute)
	dead.dead = func(at time.Time) bool { return at.After(died) && at.Before(mended) }
	newModel(units...).run(7 * time.Minute)
	least, most := 1<<30, 0
	for _, u := range units {
		if u != dead {
			least, most = min(least, len(u.polls)), max(most, len(u.polls))
		}
	}
	if least < most-2 || least < 90 {
		t.Errorf("equal units were asked %d to %d times in 7 min, want about 105 for each", least, most)
	}
	if back := dead.back.Sub(mended); dead.back.IsZero() || back > 80*time.Second {
		t.Errorf("the dead unit was back after %s, want within one probe and its patience, 75 s", back)
	}
}

// Silent units among many: once it is probed as rarely as it gets, each has at most 2 %
// of the bus, whatever its time-out. It is back within one probe, and takes next to
// none from the others.
func TestScheduleSilentUnits(t *testing.T) {
	for _, price := range []time.Duration{300, 10_000} {
		price *= time.Millisecond
		mended := modelStart.Add(3 * time.Hour)
		var units []*modelUnit
		for i := range 40 {
			u := &modelUnit{name: fmt.Sprint(i), cost: 2 * time.Millisecond}
			u.every, u.price = 5*time.Second, price
			if i < 2 {
				u.every = time.Second
				u.dead = func(at time.Time) bool { return at.Before(mended) }
			}
			units = append(units, u)
		}
		m := newModel(units...)
		m.run(time.Hour)
		before := []time.Duration{units[0].bus, units[1].bus}
		m.run(2 * time.Hour)
		after := []time.Duration{units[0].bus, units[1].bus}
		m.run(20 * time.Minute)
		probe := max(time.Minute, 50*price)
		for i, u := range units {
			if i >= 2 {
				n, want := len(u.polls), int((3*time.Hour+20*time.Minute)/u.every)
				if 2*price < u.every/2 && (u.missed > 0 || n < want-1) || n < want*96/100 {
					t.Fatalf("price %s: unit %d was asked %d times of %d", price, i, n, want)
				}
				continue
			}
			if share := (after[i] - before[i]).Hours() / 2; share > 0.02 || share < 0.004 {
				t.Errorf("price %s: unit %d had %.2f %% of the bus, at most 2 %%", price, i, 100*share)
			}
			wait := time.Second
			for k := doubtAfter; k < len(u.polls)-1 && u.polls[k+1].Before(mended); k++ {
				step := u.polls[k].Sub(u.polls[k-1]) - price
				if step < wait || step > max(wait, 2*price)+2*time.Second+8*price {
					t.Errorf("price %s: unit %d: probe %d came %s after the one before, want %s and a little", price, i, k, step, wait)
				}
				wait = min(probe, 2*wait)
			}
			if back := u.back.Sub(mended); u.back.IsZero() || back > probe+8*price+2*time.Second {
				t.Errorf("price %s: unit %d was back after %s, want within one probe of %s", price, i, back, probe)
			}
			if u.rests == 0 {
				t.Errorf("unit %d said at no tick that it is offline", i)
			}
		}
	}
}

// A cable cut in the middle: most of a line is dead, with time-outs longer than the
// interval. Those that are left still have the line for two thirds of the time.
func TestScheduleMostlyDead(t *testing.T) {
	var units []*modelUnit
	for i := range 32 {
		u := &modelUnit{name: fmt.Sprint(i), cost: 10 * time.Millisecond}
		u.every, u.price = time.Second, 2500*time.Millisecond
		if i >= 4 {
			u.dead = func(time.Time) bool { return true }
		}
		units = append(units, u)
	}
	m := newModel(units...)
	m.run(5 * time.Minute)
	before := len(units[0].polls)
	m.run(10 * time.Minute)
	if n := len(units[0].polls) - before; n < 420 {
		t.Errorf("a unit that is well was asked %d times in 600 s, want 420 at least", n)
	}
	for _, u := range units[4:] {
		if len(u.polls) < 4 {
			t.Errorf("dead unit %s was asked %d times in 15 minutes", u.name, len(u.polls))
		}
	}
}

// Ticks that fall together are equal, whatever the clock's parts of a millisecond, also
// over midnight.
func TestTicksFallTogether(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 59, 50, 123_456_789, siteZone)
	line := &lineState{base: at}
	for i := range 200 {
		now := at.Add(time.Duration(i)*100*time.Millisecond + time.Duration(i*i)*time.Microsecond)
		second, five := line.tick(now, time.Second), line.tick(now.Add(7*time.Microsecond), 5*time.Second)
		if second.Nanosecond() != 0 || five.Nanosecond() != 0 || five.Second()%5 != 0 || !second.After(now) || second.Sub(now) > time.Second {
			t.Fatalf("at %s the ticks are %s and %s", now, second, five)
		}
	}
}

func TestScheduleOrder(t *testing.T) {
	at := modelStart
	line := &lineState{base: at}
	make := func(every time.Duration, alarm, offline bool) *task {
		k := &task{line: line, every: every, alarm: alarm, next: at, price: time.Second}
		if offline {
			for range offlineAfter {
				k.unanswered(at.Add(-2*time.Second), 1)
			}
		}
		return k
	}
	slow, quick := make(time.Minute, false, false), make(time.Second, false, false)
	alarm, probe := make(time.Hour, true, false), make(200*time.Millisecond, false, true)
	resting := make(time.Hour, true, true)
	resting.probe = at.Add(time.Hour)
	probe.probe, probe.wait, line.calm = at, time.Minute, at
	later := make(time.Second, true, false)
	later.next = at.Add(time.Millisecond)
	s := schedule{slow, probe, later, quick, resting, alarm}
	for i, want := range []*task{resting, alarm, quick, probe, slow} {
		got := s.most(at, nil)
		if got != want {
			t.Fatalf("number %d is task %d, want task %d", i, slices.Index(s, got), slices.Index(s, want))
		}
		got.take(at)
	}
	if s.most(at, nil) != nil {
		t.Error("something is due before its tick")
	}
	if next, ok := s.wake(); !ok || !next.Equal(later.next) {
		t.Errorf("wakes at %s, want %s", next, later.next)
	}

	// Between two questions of slow only what is more urgent goes first.
	for _, k := range s {
		k.next = at
	}
	slow.take(at)
	slow.running = true
	s = schedule{slow, make(2*time.Minute, false, false)}
	if s.most(at, slow) != nil {
		t.Error("a later deadline breaks into a poll")
	}
	s = append(s, quick)
	if s.most(at, slow) != quick {
		t.Error("an earlier deadline waits for a whole poll")
	}
	alarm.take(at)
	alarm.running = true
	if s.most(at, alarm) != nil {
		t.Error("a poll that alarms depend on is broken into")
	}
}
