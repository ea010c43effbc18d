package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"envgate/agent/platform"
	"envgate/tests/platform/gov"
)

// lossy is a line that doubles and drops frames, and cuts connections before a frame and
// behind it.
var lossy = gov.Trouble{Twice: 5, Lost: 3, CutAfter: 3, Swallowed: 3, Delay: 30 * time.Millisecond, Rate: 10_000, Seed: 212}

// A day with three outages over a bad line: a platform that refuses for three hours, a
// line that swallows everything for one, and a platform that is away while the agent is
// started anew. All records of the day are there, once each, and what came late is marked
// as backfilled where the edition has a mark for it.
func TestDayWithOutages(t *testing.T) {
	for _, edition := range []int{2005, 2017, 2025} {
		t.Run(fmt.Sprint(edition), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { day(t, edition) })
		})
	}
}

func day(t *testing.T, edition int) {
	s := newStation(t, 10)
	w := s.town(gov.Options{Edition: edition}, platform.Options{})
	at := func(hour, minute int) time.Time {
		return midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	}
	s.start()
	w.link.Set(lossy)
	s.live(at(2, 3))

	w.link.Refuse(true)
	s.live(at(5, 7))
	w.link.Refuse(false)
	s.live(at(9, 33))

	w.link.Hold(true)
	s.live(at(10, 41))
	w.link.Hold(false)
	s.live(at(15, 50))

	w.link.Refuse(true)
	s.live(at(16, 35))
	s.end()
	s.start()
	s.live(at(18, 10))
	w.link.Refuse(false)
	s.live(at(24, 15))
	time.Sleep(5 * time.Minute)
	s.close()

	s.whole(w)
	c := w.gov.Counts()
	late, marked := s.marks(w, edition)
	// A record whose answer was lost comes again with its QN over the next connection. It
	// has another one only where an outage or a start of the agent lies between.
	if most := 4; c.Doubled > most {
		t.Errorf("%d records came again under another QN, want %d at most over three outages and a start", c.Doubled, most)
	}
	if c.Differs > 0 {
		t.Errorf("%d records came again with other content", c.Differs)
	}
	if late < 40 {
		t.Errorf("%d records were late: the outages were none", late)
	}
	t.Logf("%d records sealed, %d at the platform, 0 missing; %d late, %d marked; %d connections, %d cuts; came again: %d with the same QN, %d with another",
		len(s.order), c.Records, late, marked, c.Conns, w.link.Cuts(), c.Again, c.Doubled)
}

// marks holds RF against when records came: a whole period after their end, or a moment
// later than that, is a backfill.
func (s *station) marks(w *town, edition int) (late, marked int) {
	s.t.Helper()
	long := map[string]time.Duration{"2051": time.Duration(s.minutes) * time.Minute, "2061": time.Hour, "2031": 24 * time.Hour}
	for _, r := range w.gov.Records("") {
		lag, err := s.lag(r)
		if err != nil {
			continue // told by whole
		}
		// The frame was made at most a minute before it came.
		isLate := lag+sealing > long[r.CN]+time.Minute
		if isLate {
			late++
		}
		if r.RF {
			marked++
		}
		switch {
		case edition != 2025 && r.RF:
			s.t.Errorf("%s of %s has RF, which %d does not know", r.CN, r.DataTime, edition)
		case edition == 2025 && isLate && !r.RF:
			s.t.Errorf("%s of %s came %v late and is not marked", r.CN, r.DataTime, lag)
		case edition == 2025 && r.RF && lag+sealing <= long[r.CN]:
			s.t.Errorf("%s of %s came after %v and is marked as backfilled", r.CN, r.DataTime, lag)
		}
	}
	return late, marked
}
