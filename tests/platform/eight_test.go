package main

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"envgate/agent/platform"
	"envgate/tests/platform/gov"
)

// onTime is how long after its sealing a minute frame may be at a platform that works.
// The time is the test's own, so that a busy machine takes no part in it.
const onTime = time.Second

// Eight platforms of one gateway: one refuses, one is a black hole, one is slow and has
// another password. The others have each minute frame in time, and in the order of the
// minutes.
func TestEightPlatforms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, 1)
		s.town(gov.Options{}, platform.Options{Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }})
		s.town(gov.Options{}, platform.Options{}).link.Hold(true)
		s.town(gov.Options{}, platform.Options{}).link.Set(gov.Trouble{Delay: 7 * time.Second, Rate: 40})
		s.town(gov.Options{PW: "654321"}, platform.Options{})
		good := []*town{
			s.town(gov.Options{}, platform.Options{}),
			s.town(gov.Options{Edition: 2025}, platform.Options{}),
			s.town(gov.Options{Habits: gov.Habits{LowerCase: true, Late: 300 * time.Millisecond}}, platform.Options{}),
			s.town(gov.Options{Habits: gov.Habits{NoCRLF: true}}, platform.Options{}),
		}
		good[1].link.Set(gov.Trouble{Delay: 150 * time.Millisecond, Rate: 5000})
		s.start()
		s.live(midnight.Add(30*time.Minute + 30*time.Second))
		time.Sleep(time.Minute / 2)
		s.close()
		for _, w := range good {
			s.whole(w)
			worst := time.Duration(0)
			var before time.Time
			for _, r := range w.gov.Records("2051") {
				lag, err := s.lag(r)
				if err != nil || lag > onTime {
					t.Errorf("%s: minute %s came after %v (%v), want %v at most", w.o.Name, r.DataTime, lag, err, onTime)
				}
				if !r.At.After(before) {
					t.Errorf("%s: minute %s came before the one before it", w.o.Name, r.DataTime)
				}
				before, worst = r.At, max(worst, lag)
			}
			t.Logf("%s: %d minute frames, the slowest %v after its sealing", w.o.Name, len(w.gov.Records("2051")), worst)
		}
		if c := s.towns[3].gov.Counts(); c.Denied == 0 || c.Records > 0 {
			t.Errorf("with another password: %+v", c)
		}
	})
}
