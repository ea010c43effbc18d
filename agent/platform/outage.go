package platform

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"envgate/envelope"
)

// An outage is the time in which the platform takes nothing. Each kind of trouble is
// said once in it; what repeats is counted.
type outage struct {
	since    time.Time // zero while it takes data, and before the first failure
	attempts int
	said     map[string]bool
	over     bool // the last word was up
}

// up is told of a connection's first answer. A platform that takes the connection and
// answers nothing is down.
func (p *Platform) up() {
	now := time.Now()
	p.count(func(s *Stats) { s.Trouble = "" })
	if p.outage.over {
		return
	}
	args := []any{"attempts", p.outage.attempts}
	old := ""
	if !p.outage.since.IsZero() {
		args = append(args, "down", now.Sub(p.outage.since).Round(time.Millisecond))
		old = "down"
	}
	p.o.Logger.Info("platform takes data", args...)
	p.o.Event(envelope.Event{Type: envelope.EventUplinkUp, Subject: p.cursor, Old: old, New: "up"})
	p.outage = outage{over: true}
}

func (p *Platform) down(err error) {
	if p.outage.since.IsZero() {
		attempts := p.outage.attempts
		if p.outage.over { // it was up: the one that just ended is not of this outage
			attempts = 0
		}
		p.outage = outage{since: time.Now(), attempts: attempts, said: map[string]bool{}}
		p.o.Event(envelope.Event{Type: envelope.EventUplinkDown, Subject: p.cursor, New: "down", Why: err.Error()})
	}
	kind, hint := "lost", ""
	switch {
	case errors.Is(err, errDial):
		kind = "dial"
	case errors.Is(err, errSilent):
		kind, hint = "silent", "are mn, password, st and edition those that the platform has?"
		if len(p.o.Keys) > 0 {
			hint = "are mn, password, st, edition and key those that the platform has?"
		}
	}
	if !p.outage.said[kind] {
		p.outage.said[kind] = true
		args := []any{"err", err}
		if hint != "" {
			args = append(args, "hint", hint)
		}
		p.o.Logger.Error("platform down", args...)
	}
	p.count(func(s *Stats) { s.Trouble = err.Error() })
}

// A backoff yields pauses with full jitter: evenly spread from almost nothing up to a
// ceiling that doubles from 1 s to max, so that a city's gateways do not come back at
// once when its platform does.
type backoff struct {
	max time.Duration
	n   uint
}

const shortestPause = 100 * time.Millisecond

func (b *backoff) next() time.Duration {
	ceiling := b.max
	if b.n < 30 {
		ceiling = min(b.max, time.Second<<b.n)
		b.n++
	}
	return shortestPause + rand.N(ceiling-shortestPause+1)
}

func (b *backoff) reset() { b.n = 0 }

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
