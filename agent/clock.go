package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"envgate/envelope"
)

// stepLimit is how far wall time may part from the boot clock between two looks
// before it counts as a step. NTP slews at most 0.5 ms a second, and a look comes at
// least every few seconds.
const stepLimit = 500 * time.Millisecond

// clock says, for every block, what its times are worth.
type clock struct {
	boot string

	// For tests; the kernel otherwise.
	now    func() time.Time
	mono   func() time.Duration
	kernel func() (synced bool, errMs int64)

	offset  time.Duration // wall - mono at the last look
	looked  bool
	stepped bool // since the last time the kernel said synced
	synced  bool // at any time since the start

	last atomic.Pointer[envelope.Clock] // what the last look saw; for any goroutine

	set atomic.Bool // at the last look others could be compared with it; for any goroutine
}

func newClock() *clock {
	return &clock{boot: bootID(), now: time.Now, mono: sinceBoot, kernel: kernelClock}
}

// look takes the state of the clock now, and says by how much wall time was set
// since the last look: 0 when it was not.
func (c *clock) look() (envelope.Clock, time.Duration) {
	mono := c.mono()
	offset := time.Duration(c.now().UnixNano()) - mono
	var step time.Duration
	if d := offset - c.offset; c.looked && (d > stepLimit || d < -stepLimit) {
		step, c.stepped = d, true
	}
	c.offset, c.looked = offset, true

	synced, errMs := c.kernel()
	state := "unsync"
	switch {
	case step != 0:
		state = "stepped"
	case synced:
		c.synced, c.stepped = true, false
		state = "sync"
	case c.stepped:
		state = "stepped"
	case c.synced:
		state = "holdover"
	}
	c.set.Store(state == "sync" || state == "holdover")
	seen := envelope.Clock{State: state, ErrMs: errMs, MonoMs: mono.Milliseconds()}
	c.last.Store(&seen)
	return seen, step
}

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
