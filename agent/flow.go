package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"envgate/agent/rollup"
	"envgate/agent/uplink"
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
	stages    []stage                  // that samples pass before they are sealed, in their order
	rollup    *rollup.Rollup           // nil: no figures
	polls     map[string]time.Duration // how often each device is asked, for figures after a restart
	lookBack  string                   // how far these read samples, see lookBack
	every     time.Duration            // sealing interval
	open      func() (*buffer.Log, error)
	opened    chan *buffer.Log // receives the log once
	cursors   []cursor         // every uplink's
	documents documents        // what hashes in blocks refer to
	adopt     bool             // the log of another machine is taken over
	logger    *slog.Logger
	rotate    chan ending     // asks for a new epoch
	board     *board          // may be nil
	orders    *platformOrders // may be nil
	machine   string          // which machine this is, empty if it does not say
	retry     time.Duration   // between attempts to open the log
	meters    map[string]*uplink.Metered

	log    *buffer.Log
	append func(buffer.Batch) error // the log's; tests set another
	state  state

	devices  []string       // of the site; nil: not known
	settings map[string]set // by device, as far as they are known
	pending
	trouble
	judged
	stepped  bool         // the clock was set since the last live block
	lastLive time.Time    // when a live block was sealed last
	lost     int          // readings thrown away and not yet said
	unheard  int          // events thrown away and not yet said
	reason   string       // why the program stops; set before Run's context ends
	stored   time.Time    // when the log took a batch last
	turned   atomic.Int64 // boot time of Run's last turn
	ordered  atomic.Int64 // when the newest command of the data centre was given, as far as one was executed
}

// ending says which epoch has to end, and why.
type ending struct{ epoch, why string }

// cursor names an uplink and the streams it forwards.
type cursor struct {
	name    string
	streams []string
}

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
	lastTries    = 5 // more at a stop, after the first one
	lastPause    = 300 * time.Millisecond
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
		early := f.takeEarly(now)
		waiting, full := f.in.pressed()
		waiting, full = waiting || len(f.heard) > 0, full || f.held > f.in.limit/2
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
			next = nextSeal(now, next, f.every)
			figures, events = f.nextFigures(), time.Time{}
		case !events.IsZero() && !now.Before(events):
			f.commit(false, true)
			tokens, events = tokens-1, time.Time{}
		case now.Sub(f.stored) > flushIdle && now.Sub(flushed) > flushIdle: // no batch took the cursors along
			if err := f.log.Flush(); err != nil {
				f.failed(err)
			}
			flushed = now
		}

		wait := time.Until(next)
		for _, t := range []time.Time{figures, events, early} {
			if !t.IsZero() {
				wait = min(wait, time.Until(t))
			}
		}
		timer.Reset(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
			f.last()
			return nil
		case e := <-f.rotate:
			if e.epoch == f.log.Epoch() { // each stream's receipt asks for it
				f.turning = e.why
				f.turn()
			}
		case <-f.in.wake:
		case <-timer.C:
		}
	}
}

// nextSeal is when live samples are sealed next, after they were sealed now and next had
// been the time for it. It is never more than one interval away, as no more than that may
// be lost (promise P3): figures or a full inbox may have come before their time.
func nextSeal(now, next time.Time, every time.Duration) time.Time {
	if now.Before(next) || next.Add(every).Before(now) {
		return now.Add(every)
	}
	return next.Add(every)
}

// alive says whether the writer has made a turn lately. One that waits for its log to
// open is alive.
func (f *flow) alive(within time.Duration) bool {
	t := f.turned.Load()
	return t == 0 || sinceBoot()-time.Duration(t) < within
}

// nextFigures is when the next figures are due, by the monotonic clock. A period that
// has ended, but whose grace has not, is still to come.
func (f *flow) nextFigures() time.Time {
	if f.rollup == nil {
		return time.Time{}
	}
	now, ready := time.Now(), f.clock.wall().Round(0).Add(-statGrace)
	return now.Add(f.rollup.Next(ready).Sub(ready))
}

// commit seals what waits and stores it in one transaction.
func (f *flow) commit(withLive, withEvents bool) {
	if !f.ready() {
		return // what waits stays in the inbox, which is bounded
	}
	clk, said := f.look()
	moved := f.clock.shift()
	now := moved.wall
	said = append(said, f.settled(clk, moved, f.in.takeReports())...)
	b := f.again
	f.again = batch{}
	if withEvents {
		events, unheard := f.in.takeEvents()
		for i := range events {
			events[i].At = moved.ms(events[i].At)
		}
		b.events = append(b.events, events...)
		f.unheard += unheard
	}
	if f.unheard > 0 {
		said = append(said, f.event(now, envelope.Event{Type: envelope.EventLost, Subject: "events", New: fmt.Sprint(f.unheard), Why: "too many at once"}))
		f.board.threw(0, f.unheard)
		f.unheard = 0
	}
	if withLive {
		f.take(moved)
		samples := f.takePassed()
		b.rows = f.press.sampleRows(b.rows, samples)
		for _, s := range samples {
			f.count(s)
		}
		if f.rollup != nil {
			for _, w := range f.rollup.Close(now.Add(-statGrace / 2)) {
				if w.Start.Unix() < 0 {
					continue // the first day of 1970 begins before it, at +08:00: no block can say so
				}
				if f.clock.impossible(w.Start) {
					w.Doubt()
				}
				b.windows = append(b.windows, windowRow(w))
			}
			f.state.Figured = now.UnixMilli()
		}
	}
	said = append(append(said, f.takeHeard()...), f.limitEvents(now)...)
	if f.lost > 0 {
		said = append(said, f.event(now, envelope.Event{
			Type: envelope.EventLost, Subject: "readings", New: fmt.Sprint(f.lost), Why: "the log could not take them in time",
		}))
		f.board.threw(f.lost, 0)
		f.lost = 0
	}
	b.events = append(b.events, said...)
	b.Evict, b.gone = f.evictions(now)
	events := append(slices.Clip(b.events), f.evictionEvents(now, f.state.Gone)...)
	events = append(events, f.evictionEvents(now, b.gone)...)
	f.state.Gone = nil
	if f.birthGone() {
		events = append(events, f.documentEvents(now, state{})...)
	}
	first, _ := f.log.Bounds(event)
	for _, e := range b.Evict {
		if e.Stream == event {
			first = max(first, e.To+1)
		}
	}
	events = append(events, f.restated(now, 1, first)...) // those whose blocks are evicted

	// Events and figures first: the live blocks' heads name them.
	taken := clk
	if f.stepped { // some samples may be from before
		taken.State = envelope.ClockStepped
	}
	f.press.number(b.rows)
	f.press.number(b.windows)
	f.sealed(&b, len(events) > 0, func() ([]buffer.Record, error) { return f.press.events(clk, now, events) })
	f.sealed(&b, len(b.windows) > 0, func() ([]buffer.Record, error) { return f.press.rows(stat, taken, now, b.windows) })
	f.sealed(&b, len(b.rows) > 0, func() ([]buffer.Record, error) { return f.press.rows(live, taken, now, b.rows) })
	if len(b.rows) > 0 {
		f.lastLive = time.Now()
	} else if withLive && time.Since(f.lastLive) > livePulse {
		f.sealed(&b, true, func() ([]buffer.Record, error) {
			r, err := f.press.empty(live, taken, now)
			return []buffer.Record{r}, err
		})
		f.lastLive = time.Now()
	}
	f.stepped = f.stepped && !withLive
	if len(b.Records) > 0 || len(b.Evict) > 0 {
		f.store(b, now)
	}
	if f.turning != "" {
		f.turn()
	}
}

func (f *flow) sealed(b *batch, due bool, seal func() ([]buffer.Record, error)) {
	if !due {
		return
	}
	records, err := seal()
	b.Records = append(b.Records, records...)
	if err != nil {
		f.logger.Error("seal", "err", err)
	}
}

// count gives a sample to the figures.
func (f *flow) count(s polled) {
	if f.rollup == nil {
		return
	}
	for i, r := range s.Readings {
		v := rollup.Value{Source: s.Source, Point: r.Point, Text: r.Value, Flag: r.Flag, At: s.Time, Interval: s.every}
		if s.zs != nil && s.zs[i] != noZs {
			v.Zs = s.zs[i]
		}
		f.rollup.Add(v)
	}
}

// last seals what is left and the event that says why the program stops.
func (f *flow) last() {
	f.in.event(f.event(time.Now(), envelope.Event{Type: envelope.EventStop, Subject: f.press.firmware, Why: f.reason}))
	for try := 0; ; try++ {
		f.state.Stopped = "stopped: " + f.reason // a new epoch begins without it
		f.commit(true, true)
		if f.parked == nil && f.turning == "" && f.again.empty() {
			return
		}
		if try == lastTries {
			break
		}
		time.Sleep(lastPause) // a disk that fails may do better in a moment
	}
	f.logger.Error("stop with readings that the log could not take")
}

func (f *flow) failed(err error) {
	if f.tries++; f.tries == 1 {
		f.since = time.Now()
		f.board.stuck(err.Error())
		f.logger.Error("the log cannot be written; readings wait in memory", "err", err, "hint", hintFor(err))
	}
}

func (f *flow) recovered() {
	if f.tries == 0 {
		return
	}
	f.logger.Info("the log can be written again", "after", time.Since(f.since).Round(time.Millisecond), "tries", f.tries)
	f.in.event(f.event(time.Now(), envelope.Event{
		Type: envelope.EventLogFull, Why: fmt.Sprintf("could not be written for %s, %d tries", time.Since(f.since).Round(time.Millisecond), f.tries),
	}))
	f.tries = 0
	f.board.stuck("")
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain structs
	}
	return b
}
