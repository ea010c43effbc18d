package main

import (
	"strings"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/drivers"
	"envgate/envelope"
)

// A fakeClock is a machine whose clock tests set.
type fakeClock struct {
	wall   time.Time
	mono   time.Duration
	synced bool
}

func (k *fakeClock) into(c *clock) {
	c.boot = "b0"
	c.now = func() time.Time { return k.wall }
	c.mono = func() time.Duration { return k.mono }
	c.kernel = func() (bool, int64) { return k.synced, 3 }
}

func (k *fakeClock) pass(d time.Duration) { k.wall, k.mono = k.wall.Add(d), k.mono+d }

func from1970() *fakeClock { return &fakeClock{wall: time.Unix(40, 0), mono: 40 * time.Second} }

// Times as sources give them, and what becomes of the clock.
func TestClockSources(t *testing.T) {
	floor := epoch0.Add(-24 * time.Hour)
	type move struct {
		what   string
		do     func(k *fakeClock, c *clock)
		state  string
		off    time.Duration // of wall from the truth
		step   bool
		by     string
		refuse int
	}
	truth := func(k *fakeClock) time.Time { return epoch0.Add(k.mono - 40*time.Second) }
	word := func(off, late time.Duration) func(*fakeClock, *clock) {
		return func(k *fakeClock, c *clock) {
			c.tell(word{"city", truth(k).Add(off), late, k.mono})
			k.pass(time.Second)
		}
	}
	never := -epoch0.Sub(time.Unix(40, 0))
	for name, moves := range map[string][]move{
		"from 1970 by a receipt, then NTP": {
			{what: "power-on", do: func(k *fakeClock, c *clock) {}, state: "unsync", off: never},
			{what: "a receipt", do: word(0, 2*time.Second), state: "stepped", step: true, by: "city"},
			{what: "later", do: func(k *fakeClock, c *clock) { k.pass(time.Minute) }, state: "holdover"},
			{what: "somebody sets the system's clock", do: func(k *fakeClock, c *clock) { k.wall = k.wall.Add(time.Hour) }, state: "holdover"},
			{what: "NTP sets it", do: func(k *fakeClock, c *clock) { k.wall, k.synced = truth(k).Add(time.Second), true }, state: "stepped", step: true, by: "kernel", off: time.Second},
			{what: "NTP goes on", do: func(k *fakeClock, c *clock) { k.pass(time.Second) }, state: "sync", off: time.Second},
			{what: "a source differs", do: word(time.Hour, 2*time.Second), state: "sync", off: time.Second, refuse: 1},
			{what: "NTP goes for a while", do: func(k *fakeClock, c *clock) { k.synced = false; word(time.Hour, 2*time.Second)(k, c) }, state: "holdover", off: time.Second, refuse: 1},
			{what: "and for long", do: func(k *fakeClock, c *clock) { k.pass(2 * time.Hour); word(time.Second, 0)(k, c) }, state: "holdover", off: time.Second, refuse: 1},
			{what: "a source within its own error", do: word(0, 5*time.Second), state: "holdover", off: time.Second, refuse: 1},
			{what: "a source that is far from it", do: word(-3*time.Second, time.Second), state: "stepped", off: -3 * time.Second, step: true, by: "city", refuse: 1},
		},
		"a word from before the program": {
			{what: "too old", do: word(-73*time.Hour, 0), state: "unsync", off: never, refuse: 1},
			{what: "again", do: word(-73*time.Hour, 0), state: "unsync", off: never, refuse: 1},
			{what: "a little old, for our floor is not so sure", do: word(-47*time.Hour, 0), state: "stepped", step: true, by: "city", off: -47 * time.Hour, refuse: 1},
		},
		"a clock that is right already": {
			{what: "by its battery", do: func(k *fakeClock, c *clock) {}, state: "unsync"},
			{what: "a receipt agrees", do: word(-time.Second, 3*time.Second), state: "holdover"},
		},
		"a clock that drifts": {
			{what: "by its battery", do: func(k *fakeClock, c *clock) {}, state: "unsync"},
			{what: "slewed", do: func(k *fakeClock, c *clock) { k.pass(5 * time.Second); k.wall = k.wall.Add(400 * time.Millisecond) }, state: "unsync", off: 400 * time.Millisecond},
			{what: "beyond", do: func(k *fakeClock, c *clock) { k.pass(5 * time.Second); k.wall = k.wall.Add(600 * time.Millisecond) }, state: "stepped", off: time.Second, step: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			k, c := from1970(), newClock()
			k.into(c)
			c.floor = floor
			if strings.HasPrefix(name, "a clock") {
				k.wall = truth(k)
			}
			c.look()
			for _, m := range moves {
				m.do(k, c)
				got, step := c.look()
				if off := c.wall().Sub(truth(k)); got.State != m.state || (off-m.off).Abs() > 10*time.Millisecond {
					t.Errorf("%s: %s, off by %s; want %s, %s", m.what, got.State, off, m.state, m.off)
				}
				if step != 0 != m.step || c.by != m.by || len(c.refused) != m.refuse {
					t.Errorf("%s: step %s by %q, %d refused; want a step %v by %q, %d refused", m.what, step, c.by, len(c.refused), m.step, m.by, m.refuse)
				}
			}
		})
	}
}

// The state of a clock that chatters is said once a minute at most, and a holdover at once.
func TestClockStateIsSaid(t *testing.T) {
	k, c := from1970(), newClock()
	k.into(c)
	c.look()
	said := 0
	for i := range 600 {
		k.pass(time.Second)
		k.synced = i%2 == 0
		clk, step := c.look()
		if _, yes := c.changed(clk, step); yes {
			if said++; said == 1 && i != 0 {
				t.Errorf("first said after %d s, want at once", i)
			}
		}
	}
	if said < 2 || said > 11 {
		t.Errorf("said %d times in 10 minutes, want 2 to 11", said)
	}
}

// A gateway that starts in 1970 without NTP: what it sealed, what a receipt does, what a
// restart of the program keeps, and that a retained receipt is none.
func TestFlowFrom1970(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	k := from1970()
	begin := func() *flow {
		return beginFlow(t, dir, key, func(f *flow) {
			k.into(f.clock)
			f.clock.floor = epoch0.Add(-24 * time.Hour)
			f.press.boot = "b0"
			f.rollup = rollup.New(rollup.Options{Minutes: 1})
		})
	}
	sample := func(f *flow) {
		f.in.add(time.Second, drivers.Sample{Source: "noise", Device: "noise", Time: time.Now(), Readings: []drivers.Reading{{Point: "LA", Value: "50", Flag: "N"}}})
	}
	f := begin()
	sample(f)
	f.commit(true, true)
	for range 130 {
		k.pass(time.Second)
		sample(f)
		f.commit(true, true)
	}
	if now, sure := f.clock.judge(); sure || !now.Equal(f.clock.floor) {
		t.Errorf("certificates are judged at %v, sure %v; want the floor", now, sure)
	}
	f.clock.witness(f.log, "receipt of city", live, 2, epoch0.Add(-300*time.Hour)) // retained: of a block long ago
	k.pass(time.Second)
	f.commit(true, true)
	if f.clock.held.Load() != 0 {
		t.Error("the clock follows a receipt of an old block")
	}
	_, last := f.log.Bounds(live)
	f.clock.witness(f.log, "receipt of city", live, last, epoch0)
	sample(f) // waits in memory: is stamped by the new clock
	k.pass(time.Second)
	f.commit(true, true)
	k.pass(time.Second)
	f.commit(true, true)
	if now, sure := f.clock.judge(); !sure || now.Sub(epoch0).Abs() > 5*time.Second {
		t.Errorf("certificates are judged at %v, sure %v; want %v", now, sure, epoch0)
	}
	closeFlow(t, f)

	k.pass(10 * time.Second)
	f = begin() // the program alone starts again
	sample(f)
	k.pass(time.Second)
	f.commit(true, true)
	closeFlow(t, f)

	_, events := contents(t, dir, key)
	said := ""
	for _, e := range events {
		if strings.HasPrefix(e.Type, "clock.") {
			said += e.Type + " " + e.Old[:min(4, len(e.Old))] + " " + e.New[:4] + " " + e.Who + "\n"
		}
	}
	if want := "clock.step 1970 2026 receipt of city\nclock.state unsy hold receipt of city\n"; said != want {
		t.Errorf("events\n%swant\n%s", said, want)
	}
	states, years := map[string]bool{}, map[string]string{}
	for _, b := range blocksOf(t, dir, live) {
		states[b.Clock.State] = true
		for _, g := range b.Groups {
			for _, at := range g.Times {
				years[b.Clock.State] = time.UnixMilli(b.T0 + at).Format("2006")
			}
		}
	}
	if years["unsync"] != "1970" || years["stepped"] != "2026" || years["holdover"] != "2026" || len(states) != 3 {
		t.Errorf("years by state: %v", years)
	}
	figures := 0
	for _, b := range blocksOf(t, dir, stat) {
		for _, g := range b.Groups {
			for i, at := range g.Times {
				if c := g.Columns[0]; time.UnixMilli(b.T0+at).Year() == 1970 {
					if figures++; c.Flags == nil || c.Flags[i] != "D" || c.Causes[i] != "no-clock" {
						t.Errorf("figure of 1970 has flags %v, causes %v", c.Flags, c.Causes)
					}
				}
			}
		}
	}
	if figures < 2 {
		t.Errorf("%d periods of 1970, want 2 at least", figures)
	}
}

// Jumps of the system's clock: each is an event, figures across it are marked, and what
// nobody has delivered stays.
func TestFlowJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{
		"an hour on": time.Hour, "an hour back": -time.Hour,
		"to 1970": -epoch0.Sub(time.Unix(0, 0)), "to 2038": time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC).Sub(epoch0),
	} {
		t.Run(name, func(t *testing.T) {
			dir, key := t.TempDir(), testKey(t)
			k := &fakeClock{wall: epoch0, mono: time.Hour, synced: true}
			f := beginFlow(t, dir, key, func(f *flow) {
				k.into(f.clock)
				f.clock.floor = epoch0.Add(-24 * time.Hour)
				f.rollup = rollup.New(rollup.Options{Minutes: 1})
			})
			minute := func() {
				for range 60 {
					f.in.add(time.Second, drivers.Sample{Source: "noise", Device: "noise", Time: time.Now(), Readings: []drivers.Reading{{Point: "LA", Value: "50", Flag: "N"}}})
					f.commit(true, true)
					k.pass(time.Second)
				}
			}
			minute()
			minute()
			k.pass(-30 * time.Second)
			k.mono += time.Minute
			k.wall, k.synced = k.wall.Add(30*time.Second+jump), false
			minute()
			minute()
			k.wall, k.synced = k.wall.Add(-jump), true
			minute()
			minute()
			if first, _ := f.log.Bounds(live); first != 1 {
				t.Errorf("live begins with block %d: what nobody has was deleted", first)
			}
			closeFlow(t, f)
			_, events := contents(t, dir, key)
			var steps []string
			for _, e := range events {
				if e.Type == envelope.EventClockStep {
					steps = append(steps, e.Why)
				}
			}
			if len(steps) != 2 {
				t.Errorf("steps %q, want there and back", steps)
			}
			good, right := 0, 0
			for _, b := range blocksOf(t, dir, stat) {
				for _, g := range b.Groups {
					if g.Kind != "min" {
						continue
					}
					for i, at := range g.Times {
						when := time.UnixMilli(b.T0 + at)
						marked := g.Columns[0].Flags != nil && g.Columns[0].Flags[i] == "D"
						if when.Year() == 1970 && !marked {
							t.Errorf("a good figure of %v", when)
						}
						if off := when.Sub(epoch0); off >= 0 && off < 30*time.Minute {
							right++
							if !marked {
								good++
							}
						}
					}
				}
			}
			if good < 2 {
				t.Errorf("%d good minutes of %d by the right clock, want 2 at least", good, right)
			}
		})
	}
}

// blocksOf are the blocks of a stream.
func blocksOf(t *testing.T, dir, stream string) []*envelope.Block {
	t.Helper()
	log, err := openTestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var out []*envelope.Block
	for after := uint64(0); ; {
		first, blocks, err := log.Read(stream, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(blocks) == 0 {
			return out
		}
		for _, m := range blocks {
			out = append(out, blockOf(t, m))
		}
		after = first + uint64(len(blocks)) - 1
	}
}
