package uplink

import (
	"context"
	"math/rand/v2"
	"time"

	"envgate/envelope"
)

// An outage is the time between two connections. Each kind of trouble is said once
// in it; what repeats is counted.
type outage struct {
	since    time.Time // zero while connected, and before the first failure
	attempts int
	said     map[string]bool
}

// up is told of a connection; again means that the last one ended at our own wish,
// which is no news.
func (u *Uplink) up(again bool) {
	now := time.Now()
	args := []any{"attempts", u.outage.attempts}
	if !u.outage.since.IsZero() {
		args = append(args, "down", now.Sub(u.outage.since).Round(time.Millisecond))
	}
	u.o.Logger.Info("uplink open", args...)
	old := "down"
	if u.outage.since.IsZero() {
		old = ""
	}
	if !again {
		u.tell(envelope.EventUplinkUp, "", old, "up", "")
	}
	u.outage = outage{}
	u.count(func(s *Stats) {
		s.Open, s.Since, s.Trouble = true, now, ""
		s.Connections++
	})
}

func (u *Uplink) down(err error) {
	t := u.explain(err)
	if u.outage.since.IsZero() {
		u.outage.since = time.Now()
		u.outage.said = map[string]bool{}
		u.tell(envelope.EventUplinkDown, "", "", "down", t.text)
	}
	if !u.outage.said[t.kind] {
		u.outage.said[t.kind] = true
		u.o.Logger.Error("uplink down", "err", t.text, "hint", t.hint)
	}
	u.count(func(s *Stats) {
		if s.Open || s.Since.IsZero() {
			s.Since = u.outage.since
		}
		s.Open, s.Trouble, s.InFlight = false, t.text, 0
	})
}

// A backoff yields pauses with full jitter: evenly spread from almost nothing up to a
// ceiling that doubles from 1 s to max, so that a city's gateways do not come back at
// once when its broker does.
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
