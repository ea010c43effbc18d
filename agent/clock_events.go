package main

import (
	"fmt"

	"envgate/envelope"
)

// look takes the state of the clock, and the events of a step, of another state and of
// sources that say something else.
func (f *flow) look() (envelope.Clock, []envelope.Event) {
	clk, step := f.clock.look()
	now := f.clock.wall()
	var said []envelope.Event
	say := func(e envelope.Event) {
		e.At = now.UnixMilli()
		said = append(said, e)
		f.logger.Warn("the clock", "what", e.Type, "old", e.Old, "new", e.New, "by", e.Who, "why", e.Why)
	}
	if step != 0 {
		f.stepped = true
		if f.rollup != nil {
			f.rollup.Step(step)
		}
		say(envelope.Event{Type: envelope.EventClockStep, Old: stamp(now.Add(-step)), New: stamp(now), Who: f.clock.by, Why: signed(step)})
	}
	if before, yes := f.clock.changed(clk, step); yes {
		say(envelope.Event{Type: envelope.EventClockState, Old: before, New: clk.State, Who: f.clock.source(), Why: f.clock.says(clk)})
	}
	for ; f.clock.unsaid > 0; f.clock.unsaid-- {
		d := &f.clock.refused[len(f.clock.refused)-f.clock.unsaid]
		say(envelope.Event{Type: envelope.EventClockDiffers, Subject: d.source, Old: stamp(now), New: stamp(d.at), Why: d.why})
	}
	return clk, said
}

// source is who sets the clock, as far as that is known.
func (c *clock) source() string {
	switch {
	case c.held.Load() != 0:
		return c.given.source
	case c.ruled.Load():
		return "kernel"
	}
	return ""
}

// says is what the kernel says of its clock.
func (c *clock) says(clk envelope.Clock) string {
	if c.ruled.Load() {
		return fmt.Sprintf("the kernel follows a time source, %d ms off at most", clk.ErrMs)
	}
	return "the kernel follows no time source"
}
