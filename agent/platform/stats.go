package platform

import (
	"time"

	"envgate/envelope"
)

// Stats are the counters of a platform since it was made, and its present state.
type Stats struct {
	Open        bool
	Since       time.Time // of the present state
	Trouble     string    // why it takes nothing, "" while it does
	Attempts    uint64    // to connect
	Connections uint64    // that came up

	Sent     uint64 // data frames, with those that were sent again
	Resent   uint64 // of them
	Taken    uint64 // data frames that were answered
	Records  uint64 // that were answered whole: one CN and DataTime each
	RealTime uint64 // of them
	Lag      uint64 // blocks of figures that were not answered

	Backfilled uint64    // records that were answered and had RF=1
	LastTaken  time.Time // the last answer to data
	Encrypted  bool      // the data area goes out under a key

	Strays       uint64 // answers to no frame in flight
	Refused      uint64 // requests
	Others       uint64 // frames that are neither answer nor request, or whose fields are too long to be answered
	Rejected     uint64 // requests with another PW, MN, ST or Flag than ours, or with a QN that is none
	BadFrames    uint64 // that began and went wrong
	SkippedBytes uint64 // in no frame

	BadValues  uint64 // that no frame can hold, or flags; the value is left out
	Doubled    uint64 // figures of a factor that goes out of another source
	Unreadable uint64 // blocks of our own log

	Commands CommandStats
	Kept     string // what the platform has set, for people; no secrets
}

// Stats may be called at any time, from any goroutine.
func (p *Platform) Stats() Stats {
	p.mu.Lock()
	s := p.stats
	p.mu.Unlock()
	if p.wants(envelope.StreamStat) {
		_, last := p.log.Bounds(envelope.StreamStat)
		if next := p.next(); last >= next {
			s.Lag = last - next + 1
		}
		_, runs := p.cur.Acked(p.cursor, envelope.StreamStat)
		for _, r := range runs {
			s.Lag -= min(s.Lag, r[1]-r[0]+1)
		}
	}
	s.Encrypted = len(p.o.Keys) > 0
	return s
}

func (p *Platform) count(f func(*Stats)) {
	p.mu.Lock()
	f(&p.stats)
	p.mu.Unlock()
}

// countSide takes over what the field side counts.
func (p *Platform) countSide() {
	f := p.side.Stats()
	p.count(func(s *Stats) {
		s.Resent, s.Taken, s.Strays, s.Others, s.Rejected = f.Resent, f.Taken, f.Strays, f.Others, f.Refused
	})
}
