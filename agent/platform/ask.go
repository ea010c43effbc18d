package platform

import (
	"sync"
	"time"

	"envgate/hj212"
)

// What the gateway asks the platform for: the time (CN 1013), and a new key (CN 1014).

const (
	askTimeLost = 10 * time.Minute // between two questions while the time is not known at all,
	askTime     = 24 * time.Hour   // and while it is of no source that is sure
	askKey      = 24 * time.Hour
	keyAge      = 85 * 24 * time.Hour // of 90 days at most (HJ 212-2025, 6.4.3)
)

// ask sends the questions that are due. Their pace goes by the monotonic clock.
func (p *Platform) ask(now time.Time) {
	c, mono := &p.o.Commands, time.Now()
	if c.SetClock != nil && c.NeedsTime != nil && p.o.Edition != 2005 && c.NeedsTime() { // 2005 has no 1013
		pause := askTime
		if !p.o.Known() {
			pause = askTimeLost
		}
		if p.timeAskedAt.IsZero() || mono.Sub(p.timeAskedAt) >= pause {
			p.timeAskedAt = mono
			p.notify(hj212.Message{CN: "1013"}, now)
		}
	}
	if p.o.Edition == 2025 && p.allows(AllowKey) && (p.keyAskedAt.IsZero() || mono.Sub(p.keyAskedAt) >= askKey) {
		created := p.ring.created()
		if at, err := hj212.ParseTime(created); err == nil && now.Sub(at) >= keyAge {
			p.keyAskedAt = mono
			p.notify(hj212.Message{CN: "1014", CP: hj212.Area{{{Name: "SKCreateTime", Value: created}}}}, now)
		}
	}
}

func (p *Platform) notify(m hj212.Message, now time.Time) {
	if _, err := p.side.Notify(m, now); err == nil {
		p.count(func(s *Stats) { s.Commands.Asked++ })
	}
}

// A ring holds the keys of a platform, the newest first. It may be used by several
// goroutines.
type ring struct {
	mu   sync.Mutex
	keys hj212.Keys
}

// of is for [hj212.Codec].
func (r *ring) of(string) hj212.Keys {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys
}

func (r *ring) add(k hj212.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = r.keys.With(k)
}

// created is when the key in use was made, empty where there is none.
func (r *ring) created() string {
	if keys := r.of(""); len(keys) > 0 {
		return keys[0].Created
	}
	return ""
}
