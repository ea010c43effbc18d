package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
)

// Times that a platform sets, and who is heard before it: HJ 212 and NTP do not fight.
func TestClockByPlatform(t *testing.T) {
	type move struct {
		what string
		do   func(k *fakeClock, c *clock)
		set  *time.Duration // by how much the platform's time is off the truth; nil: it says nothing
		rtn  int
		why  string
		off  time.Duration // of wall from the truth afterwards
		sure bool
	}
	by := func(d time.Duration) *time.Duration { return &d }
	truth := func(k *fakeClock) time.Time { return epoch0.Add(k.mono - 40*time.Second) }
	receipt := func(k *fakeClock, c *clock) { c.tell(word{"receipt of city", truth(k), time.Second, k.mono}) }
	ntp := func(k *fakeClock, _ *clock) { k.wall, k.synced = truth(k), true }
	hours := func(n int) func(k *fakeClock, _ *clock) {
		return func(k *fakeClock, _ *clock) { k.pass(time.Duration(n) * time.Hour) }
	}
	never := -epoch0.Sub(time.Unix(40, 0))
	for name, moves := range map[string][]move{
		"a gateway without time": {
			{what: "before what has been", set: by(-72 * time.Hour), rtn: 3, why: "which has been", off: never},
			{what: "set", set: by(0), rtn: 1},
			{what: "a little", set: by(5 * time.Second), rtn: 1},
			{what: "again at once", set: by(5 * time.Minute), rtn: 3, why: "less than 1h0m0s ago"},
			{what: "too far", do: hours(2), set: by(11 * time.Minute), rtn: 3, why: "more than 10m0s"},
			{what: "a step", do: hours(2), set: by(9 * time.Minute), rtn: 1, off: 9 * time.Minute},
			{what: "a receipt says better", do: receipt, sure: true},
			{what: "a receipt rules", set: by(5 * time.Minute), rtn: 3, why: "signed receipt", sure: true},
			{what: "which agrees", set: by(20 * time.Second), rtn: 1, sure: true},
		},
		"a clock that NTP sets": {
			{what: "synced", do: ntp, sure: true},
			{what: "agrees", set: by(20 * time.Second), rtn: 1, sure: true},
			{what: "differs", set: by(time.Minute), rtn: 3, why: "which rules", sure: true},
			{what: "without NTP for a while", do: func(k *fakeClock, _ *clock) { k.synced = false; k.pass(50 * time.Minute) }, set: by(-5 * time.Minute), rtn: 3, why: "which rules", sure: true},
			{what: "and for long", do: hours(2), set: by(-5 * time.Minute), rtn: 1, off: -5 * time.Minute},
			{what: "NTP is back", do: ntp, sure: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			k, c := from1970(), newClock()
			k.into(c)
			c.floor = epoch0.Add(-time.Hour)
			c.look()
			for _, m := range moves {
				if m.do != nil {
					m.do(k, c)
				}
				var rtn int
				var why string
				if m.set == nil {
					c.look()
				} else {
					rtn, why = c.command(context.Background(), "city", truth(k).Add(*m.set), 10*time.Minute, func() { c.look() })
				}
				if rtn != m.rtn || !strings.Contains(why, m.why) {
					t.Errorf("%s: ExeRtn %d, %q; want %d, %q", m.what, rtn, why, m.rtn, m.why)
				}
				c.look()
				if off := c.wall().Sub(truth(k)); (off-m.off).Abs() > 10*time.Millisecond || c.sure.Load() != m.sure {
					t.Errorf("%s: off by %s, sure %v; want %s, %v", m.what, off, c.sure.Load(), m.off, m.sure)
				}
			}
		})
	}
}

// What a platform said and was not followed is told of as any other source's word.
func TestClockByPlatformDiffers(t *testing.T) {
	k := from1970()
	k.wall, k.synced = epoch0, true
	f := &flow{clock: newClock(), logger: slog.New(slog.DiscardHandler)}
	k.into(f.clock)
	f.look()
	var said []envelope.Event
	f.clock.command(t.Context(), "city", epoch0.Add(time.Hour), time.Minute, func() { _, said = f.look() })
	if len(said) != 1 || said[0].Type != envelope.EventClockDiffers || said[0].Subject != "platform city" {
		t.Errorf("events are %+v, want one that platform city differs", said)
	}
}

// Of two that set the time at one moment one waits for nothing.
func TestClockByTwoPlatforms(t *testing.T) {
	k, c := from1970(), newClock()
	k.into(c)
	c.floor = epoch0.Add(-time.Hour)
	done := make(chan int, 1)
	first := make(chan bool)
	go func() {
		rtn, _ := c.command(t.Context(), "a", epoch0, time.Minute, func() { close(first) })
		done <- rtn
	}()
	<-first
	rtn, why := c.command(t.Context(), "b", epoch0, time.Minute, func() { c.look() })
	if a := <-done; a != clockOther || rtn != clockSet {
		t.Errorf("ExeRtn %d and %d (%s), want %d and %d", a, rtn, why, clockOther, clockSet)
	}
}
