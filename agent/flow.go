package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/envelope"
)

// flow is the one writer of the log. It takes samples and events out of the inbox,
// makes figures of the samples, seals all of it, and stores what it sealed. Nothing
// reaches an uplink but through the log (promise P2).
type flow struct {
	in        *inbox
	clock     *clock
	press     *press
	rollup    *rollup.Rollup // nil: no figures
	every     time.Duration  // sealing interval
	open      func() (*buffer.Log, error)
	opened    chan *buffer.Log // receives the log once
	cursors   []cursor         // every uplink's
	documents documents        // what hashes in blocks refer to
	adopt     bool             // the log of another machine is taken over
	logger    *slog.Logger
	rotate    chan string   // a reason to begin a new epoch
	machine   string        // which machine this is, empty if it does not say
	retry     time.Duration // between attempts to open the log

	log    *buffer.Log
	append func(buffer.Batch) error // the log's; tests set another
	state  state
	parked *buffer.Batch // sealed and not yet stored: goes first, as it is
	trouble
	lastLive time.Time    // when a live block was sealed last
	lost     int          // readings thrown away and not yet said
	reason   string       // why the program stops; set before Run's context ends
	turned   atomic.Int64 // boot time of Run's last turn
}

// cursor names an uplink and the streams it forwards.
type cursor struct {
	name    string
	streams []string
}

// Types of events that only the writer makes.
const (
	eventEpoch = "epoch" // the first event of an epoch: where the former one ended
	eventLost  = "lost"  // readings or events that there was no room for
	eventFault = "fault" // a part of the program failed
)

// trouble keeps one log line for each change of state, not one for each failure.
type trouble struct {
	since time.Time
	tries int
}

const (
	coalesce     = 150 * time.Millisecond // events wait so long for company
	eventPace    = time.Second            // sustained commits for events alone
	eventBurst   = 3                      // commits that may come faster once
	statGrace    = 1500 * time.Millisecond
	livePulse    = 5 * time.Minute // an empty live block when none was due
	openRetry    = 5 * time.Second
	flushIdle    = 10 * time.Second
	evictionRead = 64
)

// Run opens the log, trying until it can, and then seals until ctx ends; then it
// seals what is left and says that it stopped. The log stays open for the uplinks'
// last words: close does the rest.
func (f *flow) Run(ctx context.Context) error {
	if err := f.begin(ctx); err != nil || f.log == nil {
		return err
	}
	f.opened <- f.log

	next := time.Now().Add(f.every)
	figures := f.nextFigures()
	var events time.Time // when waiting events are due; zero: none wait
	tokens, refilled := float64(eventBurst), time.Now()
	flushed, hurried := time.Now(), time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		f.turned.Store(int64(sinceBoot()))
		waiting, full := f.in.pressed()
		if full = full && now.Sub(hurried) > time.Second; full {
			hurried = now
		}
		if waiting && events.IsZero() {
			tokens = min(eventBurst, tokens+now.Sub(refilled).Seconds()/eventPace.Seconds())
			refilled = now
			events = now.Add(coalesce)
			if tokens < 1 {
				events = events.Add(time.Duration((1 - tokens) * float64(eventPace)))
			}
		}
		switch {
		case full || !now.Before(next) || !figures.IsZero() && !now.Before(figures):
			f.commit(true, waiting)
			if next = next.Add(f.every); next.Before(now) {
				next = now.Add(f.every)
			}
			figures, events = f.nextFigures(), time.Time{}
		case !events.IsZero() && !now.Before(events):
			f.commit(false, true)
			tokens, events = tokens-1, time.Time{}
		case now.Sub(flushed) > flushIdle:
			if err := f.log.Flush(); err != nil {
				f.failed(err)
			}
			flushed = now
		}

		wait := time.Until(next)
		for _, t := range []time.Time{figures, events} {
			if !t.IsZero() {
				wait = min(wait, time.Until(t))
			}
		}
		timer.Reset(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
			f.last()
			return nil
		case reason := <-f.rotate:
			f.newEpoch(reason)
		case <-f.in.wake:
		case <-timer.C:
		}
	}
}

// alive says whether the writer has made a turn lately. One that waits for its log to
// open is alive.
func (f *flow) alive(within time.Duration) bool {
	t := f.turned.Load()
	return t == 0 || sinceBoot()-time.Duration(t) < within
}

// nextFigures is when the next period's figures are due, by the monotonic clock.
func (f *flow) nextFigures() time.Time {
	if f.rollup == nil {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(f.rollup.Next(f.clock.now()).Sub(f.clock.now().Round(0)) + statGrace)
}

// commit seals what waits and stores it in one transaction.
func (f *flow) commit(withLive, withEvents bool) {
	if !f.unpark() {
		return // what waits stays in the inbox, which is bounded
	}
	now := f.clock.now()
	clk, step := f.clock.look()

	var events []envelope.Event
	if withEvents {
		var unheard int
		if events, unheard = f.in.takeEvents(); unheard > 0 {
			events = append(events, f.event(now, envelope.Event{Type: eventLost, Subject: "events", New: fmt.Sprint(unheard), Why: "too many at once"}))
		}
	}
	if step != 0 {
		f.logger.Warn("clock was set", "by", signed(step))
		events = append(events, f.event(now, envelope.Event{
			Type: envelope.EventClockStep, Old: stamp(now.Add(-step)), New: stamp(now), Why: signed(step),
		}))
	}

	var rows, windows []row
	if withLive {
		samples, lost := f.in.takeSamples()
		f.lost += lost
		rows = make([]row, len(samples))
		for i, s := range samples {
			rows[i] = sampleRow(s)
			f.count(s)
		}
		f.press.number(rows)
		if f.rollup != nil {
			for _, w := range f.rollup.Close(now.Add(-statGrace / 2)) {
				windows = append(windows, windowRow(w))
			}
			f.press.number(windows)
		}
	}
	if f.lost > 0 {
		events = append(events, f.event(now, envelope.Event{
			Type: eventLost, Subject: "readings", New: fmt.Sprint(f.lost), Why: "the log could not take them in time",
		}))
		f.lost = 0
	}
	evictions, gone := f.evictions(now)
	events = append(events, gone...)

	// Events and figures first: the live blocks' heads name them.
	var batch buffer.Batch
	batch.Evict = evictions
	f.sealed(&batch, len(events) > 0, func() ([]buffer.Record, error) { return f.press.events(clk, now, events) })
	f.sealed(&batch, len(windows) > 0, func() ([]buffer.Record, error) { return f.press.rows(stat, clk, now, windows) })
	f.sealed(&batch, len(rows) > 0, func() ([]buffer.Record, error) { return f.press.rows(live, clk, now, rows) })
	if len(rows) > 0 {
		f.lastLive = time.Now()
	} else if withLive && time.Since(f.lastLive) > livePulse {
		f.sealed(&batch, true, func() ([]buffer.Record, error) {
			r, err := f.press.empty(live, clk, now)
			return []buffer.Record{r}, err
		})
		f.lastLive = time.Now()
	}
	if len(batch.Records) > 0 || len(batch.Evict) > 0 {
		f.store(batch, now)
	}
}

func (f *flow) sealed(batch *buffer.Batch, due bool, seal func() ([]buffer.Record, error)) {
	if !due {
		return
	}
	records, err := seal()
	batch.Records = append(batch.Records, records...)
	if err != nil {
		f.logger.Error("seal", "err", err)
	}
}

// count gives a sample to the figures.
func (f *flow) count(s polled) {
	if f.rollup == nil {
		return
	}
	for _, r := range s.Readings {
		f.rollup.Add(rollup.Value{
			Source: s.Source, Point: r.Point, Text: r.Value, Flag: r.Flag, At: s.Time, Interval: s.every,
		})
	}
}

// store writes a batch, with the state that belongs to it. A batch that cannot be
// written is parked: its sequence numbers are spent, so it is tried again byte for
// byte before anything else is sealed.
func (f *flow) store(batch buffer.Batch, now time.Time) {
	for _, r := range batch.Records {
		if r.Stream == event && f.isBirth(r.Data) {
			f.state.Birth = r.Seq
		}
	}
	f.state.Heads, f.state.Index, f.state.Last = f.press.heads, f.press.index, now.UnixMilli()
	f.state.Config, f.state.Catalogue, f.state.Boot = f.press.config, f.press.catalogue, f.clock.boot
	batch.State = mustJSON(f.state)
	f.parked = &batch
	f.unpark()
}

func (f *flow) isBirth(message []byte) bool {
	payload, err := envelope.Peek(message)
	if err != nil {
		return false
	}
	b, err := envelope.ParsePayload(payload)
	return err == nil && len(b.Events) > 0 && b.Events[0].Type == envelope.EventBirth
}

// unpark stores the parked batch, and says whether the way is free.
func (f *flow) unpark() bool {
	if f.parked == nil {
		return true
	}
	err := f.append(*f.parked)
	switch {
	case err == nil:
		f.parked = nil
		f.recovered()
		return true
	case errors.Is(err, buffer.ErrSeq), errors.Is(err, buffer.ErrDamaged):
		// The log is broken, or holds something else than what was sealed, which
		// must not be signed over.
		f.newEpoch(err.Error())
		return false
	}
	f.failed(err)
	return false
}

// newEpoch sets the log aside and begins anew: for a disk that lied, or an image that
// was put back. What was sealed and not stored goes with the old epoch.
func (f *flow) newEpoch(reason string) {
	f.logger.Error("new epoch", "err", reason)
	f.parked = nil
	if err := f.log.Rotate(reason); err != nil {
		f.failed(err)
		return
	}
	if err := f.resume(); err != nil {
		f.failed(err)
	}
}

// last seals what is left and the event that says why the program stops.
func (f *flow) last() {
	f.in.event(f.event(f.clock.now(), envelope.Event{Type: envelope.EventStop, Subject: f.press.firmware, Why: f.reason}))
	f.state.Stopped = "stopped: " + f.reason
	f.commit(true, true)
	if f.parked != nil {
		f.logger.Error("stop with readings that the log could not take", "blocks", len(f.parked.Records))
	}
}

func (f *flow) failed(err error) {
	if f.tries++; f.tries == 1 {
		f.since = time.Now()
		f.logger.Error("the log cannot be written; readings wait in memory", "err", err, "hint", hintFor(err))
	}
}

func (f *flow) recovered() {
	if f.tries == 0 {
		return
	}
	f.logger.Info("the log can be written again", "after", time.Since(f.since).Round(time.Millisecond), "tries", f.tries)
	f.in.event(f.event(f.clock.now(), envelope.Event{
		Type: envelope.EventLogFull, Why: fmt.Sprintf("could not be written for %s, %d tries", time.Since(f.since).Round(time.Millisecond), f.tries),
	}))
	f.tries = 0
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain structs
	}
	return b
}

// sortedKeys is for texts that must come out the same each time.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
