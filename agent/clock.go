package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"envgate/envelope"
)

const (
	// stepLimit is how far wall time may part from the boot clock between two looks
	// before it counts as a step. NTP slews at most 0.5 ms a second, and a look comes at
	// least every few seconds.
	stepLimit = 500 * time.Millisecond

	// clockPace is the least time between two events of the clock's state.
	clockPace = time.Minute
)

// clock says, for every block, what its times are worth. It is the system's clock, or,
// while the kernel follows no time source, one that a source of the agent's own has set
// (clock_source.go): that one runs on the boot clock, and nobody else sets it.
type clock struct {
	boot string

	// For tests; the kernel otherwise. Immutable once made.
	now    func() time.Time
	stamps func() time.Time // what comes is stamped by: with a monotonic part
	mono   func() time.Duration
	kernel func() (synced bool, errMs int64)

	// Of the writer, who alone looks.
	offset   time.Duration // wall - mono at the last look
	looked   bool
	stepped  bool          // since the last time the kernel said synced
	synced   bool          // at any time since the start
	syncedAt time.Duration // boot time at which the kernel said so last
	by       string        // who set the clock at the last look; "" is the system
	state    string        // at the last look
	told     string        // the state that was last said
	toldAt   time.Duration // boot time of that
	given    word          // what the held time comes from
	obeyed   time.Duration // boot time at which a platform set the clock last
	refused  []difference
	unsaid   int // of refused, the newest ones

	// For any goroutine.
	held  atomic.Int64 // wall - mono as a source gave it, in ns; 0: the system's clock is used
	ruled atomic.Bool  // the kernel's clock follows a time source
	set   atomic.Bool  // the system's clock is set, so that others can be compared with it
	sure  atomic.Bool  // wall is right, by the kernel's word or a source's

	last atomic.Pointer[sight] // what the last look saw

	mu    sync.Mutex
	word  *word     // of a source, for the next look; guarded by mu
	order *order    // of a platform, for the next look; guarded by mu
	floor time.Time // has surely been; guarded by mu
	least time.Time // the same by the program's own file; immutable
}

// sight is what a look saw, and who the time is from.
type sight struct {
	envelope.Clock
	source string
}

func newClock() *clock {
	c := &clock{boot: bootID(), now: time.Now, stamps: time.Now, mono: sinceBoot, kernel: kernelClock}
	disguise(c)
	return c
}

// wall is the time now.
func (c *clock) wall() time.Time {
	if held := c.held.Load(); held != 0 {
		return time.Unix(0, held+int64(c.mono()))
	}
	return c.now()
}

// look takes the state of the clock now, and says by how much wall time was set
// since the last look: 0 when it was not.
func (c *clock) look() (envelope.Clock, time.Duration) {
	mono, system := c.both()
	synced, errMs := c.kernel()
	c.by = ""
	if synced {
		c.syncedAt = mono
		c.allow(mono + system)
		if c.held.Swap(0) != 0 {
			c.by = "kernel"
		}
	}
	c.listen(mono, synced)
	c.obey(mono, synced)
	offset := time.Duration(c.held.Load())
	if offset == 0 {
		offset = system
	}
	var step time.Duration
	if d := offset - c.offset; c.looked && (d > stepLimit || d < -stepLimit) {
		step, c.stepped = d, true
	}
	c.offset, c.looked = offset, true

	held := c.held.Load() != 0
	c.state = envelope.ClockUnsync
	switch {
	case step != 0:
		c.state = envelope.ClockStepped
	case synced:
		c.synced, c.stepped = true, false
		c.state = envelope.ClockSync
	case held:
		c.state = envelope.ClockHoldover
	case c.stepped:
		c.state = envelope.ClockStepped
	case c.synced:
		c.state = envelope.ClockHoldover
	}
	if held {
		errMs = c.given.worth(mono).Milliseconds()
	}
	if c.told == "" {
		c.told = c.state
	}
	good := c.state == envelope.ClockSync || c.state == envelope.ClockHoldover
	c.ruled.Store(synced)
	c.set.Store(good && !held)
	c.sure.Store((good || held) && !(held && c.given.plain()))
	seen := envelope.Clock{State: c.state, ErrMs: errMs, MonoMs: mono.Milliseconds()}
	source := "kernel"
	if held {
		source = c.given.source
	}
	c.last.Store(&sight{seen, source})
	return seen, step
}

// both is the boot clock, and by how much the system's wall clock is ahead of it: read
// anew if something else ran for long between the two.
func (c *clock) both() (mono, ahead time.Duration) {
	for range 3 {
		mono = c.mono()
		ahead = time.Duration(c.now().UnixNano()) - mono
		if c.mono()-mono < stepLimit/10 {
			break
		}
	}
	return mono, ahead
}

// changed says whether the state is another than was said last, and which that was. At
// the look that found a step the step's own event says enough.
func (c *clock) changed(clk envelope.Clock, step time.Duration) (before string, yes bool) {
	mono := time.Duration(clk.MonoMs) * time.Millisecond
	if step != 0 || clk.State == c.told || c.toldAt != 0 && mono-c.toldAt < clockPace {
		return "", false
	}
	before, c.told, c.toldAt = c.told, clk.State, mono
	return before, true
}

// A shift is what the times of things that came by the system's clock have to be moved
// by, now that they are sealed.
type shift struct{ system, wall time.Time }

func (c *clock) shift() shift { return shift{c.stamps(), c.wall()} }

// time is a time that was taken from the system's clock a while ago, by wall time now.
// If the clock was set between, also by the system, it is counted back from now.
func (s shift) time(t time.Time) time.Time {
	at := s.wall.Add(t.Sub(s.system))
	if d := at.Round(0).Sub(t.Round(0)); d < stepLimit && d > -stepLimit {
		return t
	}
	return at
}

// ms is the same for Unix milliseconds, which cannot know of steps of the system.
func (s shift) ms(t int64) int64 { return s.time(time.UnixMilli(t)).UnixMilli() }

// stamp is how events write a time: site time with milliseconds.
func stamp(t time.Time) string {
	return t.In(siteZone).Format("2006-01-02T15:04:05.000-07:00")
}

var siteZone = time.FixedZone("+08:00", 8*3600)

func stampMs(ms int64) string {
	if ms == 0 {
		return ""
	}
	return stamp(time.UnixMilli(ms))
}

func signed(d time.Duration) string { return fmt.Sprintf("%+.3fs", d.Seconds()) }
