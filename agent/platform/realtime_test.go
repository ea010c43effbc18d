package platform

import (
	"testing"
	"testing/synctest"
	"time"

	"envgate/envelope"
)

func TestRealTime(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.log.add("live",
			[]envelope.Group{sample("aq1", t0.Add(-time.Hour), "a34002=1", "a34004=1")}, // not fresh
			[]envelope.Group{sample("aq1", t0.Add(-9*time.Second), "a34002=2", "local=3"), sample("wx", t0.Add(-8*time.Second), "a01001=-1.5")},
			[]envelope.Group{sample("aq1", t0.Add(-4*time.Second), "a34002=/B")})
	}, func(r *rig) {
		first := "2011 DataTime=20000101075956;a01001-Rtd=-1.5,a01001-Flag=N;a34002-Flag=B"
		wantAll(t, "frames", areas(r.f.got()), []string{first})
		for range 6 { // one frame within 30 s, whatever is sealed
			r.log.add("live", []envelope.Group{sample("aq1", time.Now(), "a34002=3.0")})
			wait(5 * time.Second)
		}
		second := "2011 DataTime=20000101080025;a34002-Rtd=3.0,a34002-Flag=N" // of wx there is nothing new
		wantAll(t, "frames", areas(r.f.got()), []string{first, second})
		want(t, "time", r.f.got()[1].at.Sub(t0), 30*time.Second)
		wait(time.Hour) // nothing is sealed, nothing is sent
		want(t, "frames", len(r.f.got()), 2)
		r.log.add("live", []envelope.Group{sample("wx", time.Now(), "a01001=2")})
		synctest.Wait()
		want(t, "frames", len(r.f.got()), 3)
		want(t, "acks", len(r.log.acks), 0)
		want(t, "RealTime", r.p.Stats().RealTime, 3)
		r.log.rotate("e2")
		wait(time.Minute)
		r.log.add("live", []envelope.Group{sample("wx", time.Now(), "a01001=2")}) // block 1 again
		synctest.Wait()
		want(t, "RealTime", r.p.Stats().RealTime, 4)
	})
}

// TestRealTimeAfterOutage comes back after an hour: what was sealed meanwhile is not
// sent as real-time data.
func TestRealTimeAfterOutage(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.log.add("live", []envelope.Group{sample("aq1", time.Now(), "a34002=0")})
	}, func(r *rig) {
		r.f.mu.Lock()
		r.f.refuse = errTest
		r.f.mu.Unlock()
		r.f.cut()
		for range 360 {
			r.log.add("live", []envelope.Group{sample("aq1", time.Now(), "a34002=1")})
			wait(10 * time.Second)
		}
		r.f.mu.Lock()
		r.f.refuse = nil
		r.f.mu.Unlock()
		wait(30 * time.Second)
		frames := r.f.got()
		want(t, "frames", len(frames), 2)
		want(t, "second", frames[1].String(), "2011 DataTime=20000101085950;a34002-Rtd=1,a34002-Flag=N")
	})
}

// TestRealTimeNotAnswered has a platform that answers figures alone: they must get
// through, though real-time data bring the connection down.
func TestRealTimeNotAnswered(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(_ int, g got) []byte {
			if g.fields["CN"] == "2011" {
				return nil
			}
			return taken(g.fields["QN"])
		})
		for i := range 5 {
			r.log.add("stat", minute(t0.Add(time.Duration(i)*10*time.Minute)))
		}
		r.log.add("live", []envelope.Group{sample("aq1", t0, "a34002=1")})
	}, func(r *rig) {
		for range 300 {
			r.log.add("live", []envelope.Group{sample("aq1", time.Now(), "a34002=1")})
			wait(2 * time.Second)
		}
		want(t, "cursor", r.log.acked(), 5)
	})
}

func TestStreams(t *testing.T) {
	for _, test := range []struct{ stream, cn string }{{"rtd", "2011"}, {"minute", "2051"}} {
		run(t, func(o *Options) { o.Send = []string{test.stream} }, func(r *rig) {
			r.log.add("stat", minute(t0))
			r.log.add("live", []envelope.Group{sample("aq1", t0, "a34002=1")})
		}, func(r *rig) {
			wait(time.Minute)
			frames := r.f.got()
			want(t, "frames of "+test.stream, len(frames), 1)
			want(t, "CN", frames[0].fields["CN"], test.cn)
		})
	}
}

func TestFactors(t *testing.T) {
	set := func(o *Options) {
		o.Factors = []Factor{{Device: "aq1", Point: "pm", Code: "a34004"}, {Device: "aq2", Point: "pm", Code: "a34002"}, {Device: "aq2", Point: "a01001", Code: ""}}
	}
	run(t, set, func(r *rig) {
		r.log.add("live", []envelope.Group{
			sample("aq1", t0, "pm=1", "a01001=9"), sample("aq2/2", t0, "pm=2", "a01001=3"), sample("aq2-2", t0, "pm=4", "a34004=5"),
		})
	}, func(r *rig) {
		wantAll(t, "frames", areas(r.f.got()), []string{
			"2011 DataTime=20000101080000;a01001-Rtd=3,a01001-Flag=N;a34002-Rtd=2,a34002-Flag=N;a34004-Rtd=1,a34004-Flag=N",
		})
	})
}

// TestDoubled has two instruments with one factor, and no word which of them counts.
func TestDoubled(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.log.add("live", []envelope.Group{sample("b", t0, "a34002=2"), sample("a", t0, "a34002=1")})
		r.log.add("stat", []envelope.Group{
			window("b", envelope.GroupMinute, t0, "a34002"), window("a", envelope.GroupMinute, t0, "a34002"),
		})
	}, func(r *rig) {
		wantAll(t, "frames", areas(r.f.got()), []string{
			"2011 DataTime=20000101080000;a34002-Rtd=1,a34002-Flag=N",
			"2051 DataTime=20000101080000;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=N",
		})
		if s := r.p.Stats(); s.Doubled == 0 {
			t.Error("nothing was counted")
		}
	})
}
