package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"envgate/agent/platform"
	"envgate/tests/platform/gov"
)

// Newly collected data go first (HJ 212-2025, 8.1.2 and 8.2.2): after an outage of half a
// day over a slow line, on which the backlog takes longer than a period, each new minute
// comes before what is left of it, unmarked.
func TestFreshFirst(t *testing.T) {
	t.Parallel()
	for _, edition := range []int{2005, 2017, 2025} {
		t.Run(fmt.Sprint(edition), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStation(t, 10)
				w := s.town(gov.Options{Edition: edition}, platform.Options{Send: []string{platform.SendMinute, platform.SendHour, platform.SendDay}})
				s.start()
				w.link.Refuse(true)
				back := midnight.Add(12*time.Hour + 9*time.Minute)
				s.live(back)
				w.link.Set(gov.Trouble{Rate: 40, Delay: time.Second})
				w.link.Refuse(false)
				s.live(back.Add(3 * time.Hour))
				s.close()
				s.whole(w)
				fresh, last := 0, time.Time{}
				for _, r := range w.gov.Records("2051") {
					lag, err := s.lag(r)
					if err != nil {
						continue // told by whole
					}
					if r.At.Add(-lag).Before(back) {
						if r.At.After(last) {
							last = r.At
						}
						continue
					}
					fresh++
					// One frame of the backlog may be on its way, with its answer.
					if lag > 30*time.Second || r.RF {
						t.Errorf("%s came %v after its sealing, RF %t", r.DataTime, lag, r.RF)
					}
				}
				if took := last.Sub(back); took < 11*time.Minute || fresh < 15 {
					t.Errorf("the backlog took %v, %d new minutes: the line was too good", took, fresh)
				}
			})
		})
	}
}
