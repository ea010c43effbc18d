package main

import (
	"sync"
	"time"

	"envgate/drivers"
	"envgate/envelope"
)

// An inbox stands between those who must never wait (the polls, the uplinks) and
// the one writer of the log, who sometimes waits for a disk. It is bounded: when it
// is full the oldest samples go, and are counted, since fresh ones are worth more
// and the poll goes on regardless (promises P1 and P8).
type inbox struct {
	mu      sync.Mutex
	samples []polled
	held    int // readings in samples
	limit   int // readings
	lost    int // readings thrown away since the last take
	events  []envelope.Event
	unheard int // events thrown away since the last take
	reports []surveyed
	eager   bool          // rings for samples, too; set before any come
	nudged  bool          // somebody waits for a look at the clock
	wake    chan struct{} // rings when there is an event, or enough readings for hurry
}

// polled is a sample with the interval at which its source is asked.
type polled struct {
	drivers.Sample
	every time.Duration
	zs    []string // converted values of Readings, empty where one has none, noZs where it should; nil: none has
}

const (
	inboxReadings = 50_000 // about 8 MB; at a typical site more than an hour
	inboxEvents   = 512
	inboxReports  = 256 // surveys; a site's devices have each theirs once an hour
)

func newInbox() *inbox {
	return &inbox{limit: inboxReadings, wake: make(chan struct{}, 1)}
}

// add takes samples over. It never waits.
func (b *inbox) add(every time.Duration, samples ...drivers.Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range samples {
		b.samples = append(b.samples, polled{Sample: s, every: every})
		b.held += len(s.Readings)
	}
	gone := 0
	for b.held > b.limit && gone < len(b.samples) {
		n := len(b.samples[gone].Readings)
		b.held -= n
		b.lost += n
		gone++
	}
	b.samples = b.samples[gone:]
	if b.eager || b.held > b.limit/2 {
		b.ring()
	}
}

// fresh says whether samples wait that somebody is eager for.
func (b *inbox) fresh() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.eager && len(b.samples) > 0
}

// event takes an event over; its At is UTC milliseconds until it is sealed, when it
// becomes an offset. It never waits.
func (b *inbox) event(e envelope.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) >= inboxEvents && e.Type != envelope.EventStop { // for that there is always room
		b.unheard++
		return
	}
	b.events = append(b.events, e)
	b.ring()
}

// report takes over what a survey found. It never waits. Of too many the oldest go: what
// is set then is in the newer ones.
func (b *inbox) report(r surveyed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.reports) >= inboxReports {
		b.reports = b.reports[1:]
		b.unheard++
	}
	b.reports = append(b.reports, r)
	b.ring()
}

// takeReports hands over what surveys found.
func (b *inbox) takeReports() []surveyed {
	b.mu.Lock()
	defer b.mu.Unlock()
	reports := b.reports
	b.reports = nil
	return reports
}

// nudge has the writer look at the clock as if there were an event.
func (b *inbox) nudge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nudged = true
	b.ring()
}

func (b *inbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// pressed says whether events wait, and whether the samples should not wait for
// their interval.
func (b *inbox) pressed() (events, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.events)+len(b.reports) > 0 || b.nudged, b.held > b.limit/2
}

// takeSamples hands over all samples, and says how many readings were thrown away
// since it was last called.
func (b *inbox) takeSamples() (samples []polled, lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	samples, lost = b.samples, b.lost
	b.samples, b.held, b.lost = make([]polled, 0, min(len(samples), 1024)), 0, 0 // as many will come again
	return samples, lost
}

// takeEvents does the same for events.
func (b *inbox) takeEvents() (events []envelope.Event, unheard int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events, unheard = b.events, b.unheard
	b.events, b.unheard, b.nudged = nil, 0, false
	return events, unheard
}

// waiting is how many readings are in it.
func (b *inbox) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}
